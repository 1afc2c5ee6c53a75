"""The tar files that torch.save wrote before PyTorch 0.1.10.

Members: `sys_info`; `pickle`, the object, whose persistent ids are keys of tensors and storages;
`storages`, a count and then for each a pickle and the bytes; `tensors`, likewise.
Source: torch 2.13, `serialization.py`, `_legacy_load`, `legacy_load`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from modlint.checkpoint import Checkpoint, Storage
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.tar.archive import TarEntry
from modlint_plugins.pickling.scan import Interpretation
from modlint_plugins.pickling.values import Dict, PersistentId, TensorRecord, Value
from modlint_plugins.readers.contained import budget_of
from modlint_plugins.readers.torch.children import children
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment
from modlint_plugins.readers.torch.storages import Reference, StorageTable, storage_dtype
from modlint_plugins.readers.torch.tensors import TensorCollector

_MAX_ENTRIES = 250_000
_MAX_RANK = 64
_COUNT = struct.Struct("<q")


def is_torch_tar(files: Mapping[str, TarEntry]) -> bool:
    """Whether a tar archive holds what torch.save wrote."""
    return {"pickle", "storages"} <= files.keys()


def read_torch_tar(source: Source, files: Mapping[str, TarEntry]) -> Checkpoint:
    """Read PyTorch's members; what is damaged becomes a fault."""
    reading = Reading(open_nested, budget_of(source))
    tables = _Tables(reading, source, files)
    tables.read_facts()
    for read in (tables.read_storages, tables.read_tensors):
        try:
            read()
        except UnreadableError as error:
            reading.fail("damaged-member", error)
    segment = tables.segment("pickle")
    found = reading.interpret(segment, resolve=tables.resolve)
    if found.trace.incomplete is None:
        reading.scan_further(segment, found.end)
    tables.adopt(found.value)
    collector = TensorCollector(reading)
    collector.collect(found.value)
    return collector.checkpoint(source, "torch-tar")


class _Tables:
    """Storages and tensors by the keys that the object's pickle refers to them by."""

    def __init__(self, reading: Reading, source: Source, files: Mapping[str, TarEntry]) -> None:
        self.reading = reading
        self.source = source
        self.files = files
        self.table = StorageTable(self._storage)
        self.spans: dict[str, tuple[int, int]] = {}
        self.values: dict[str, Value] = {}
        self.claimed: set[str] = set()

    def segment(self, name: str) -> Segment:
        """A member's bytes."""
        entry = self.files[name]
        view = self.source.view[entry.offset : entry.offset + entry.nbytes]
        return Segment(view, name, entry.offset)

    def read_facts(self) -> None:
        """Interpret what is said of the machine; numbers are little-endian on every one."""
        if "sys_info" in self.files:
            self.reading.interpret(self.segment("sys_info"))

    def read_storages(self) -> None:
        """Find every storage, and the views of storages behind them.

        Raises:
            UnreadableError: the member is damaged.
        """
        segment = self.segment("storages")
        at, count = self._count(segment)
        for _ in range(count):
            found = self._interpret(segment, at)
            match found.value:
                case (int() | str() as key, str() as location, cls):
                    dtype = storage_dtype(cls)
                case _:
                    dtype = None
            if dtype is None:
                raise UnreadableError("a storage is not described", member="storages", offset=at)
            start = found.end + _COUNT.size
            elements = _COUNT.unpack(segment.view[found.end : start].tobytes().ljust(8, b"\xff"))[0]
            end = start + dtype.nbytes(elements)
            if elements < 0 or end > len(segment.view):
                raise UnreadableError(
                    f"truncated: storage {key!r} is not wholly there", member="storages", offset=at
                )
            self._claim(key, "storages", at)
            self.spans[str(key)] = start, end
            reference = Reference(None, self.table, dtype, str(key), location, elements)
            self.values[str(key)] = self.table.references[str(key)] = reference
            at = end
        if at < len(segment.view):
            at = self._read_views(segment, at)
        self._scan_rest(segment, at)

    def read_tensors(self) -> None:
        """Find every tensor.

        Raises:
            UnreadableError: the member is damaged.
        """
        if "tensors" not in self.files:
            return
        segment = self.segment("tensors")
        at, count = self._count(segment)
        for _ in range(count):
            found = self._interpret(segment, at)
            match found.value:
                case (int() | str() as key, int() | str() as storage, _):
                    self._claim(key, "tensors", at)
                    at, record = self._tensor(segment, found.end, str(storage))
                    self.values[str(key)] = record
                    self.reading.made.append(record)
                case _:
                    raise UnreadableError("a tensor is not described", member="tensors", offset=at)
        self._scan_rest(segment, at)

    def resolve(self, pid: Value) -> Value:
        """What a persistent id stands for: a tensor, a storage, or a class with its source."""
        if isinstance(pid, tuple):
            return pid[0] if pid else PersistentId(pid)
        return self.values.get(str(pid), PersistentId(pid)) if _is_key(pid) else PersistentId(pid)

    def adopt(self, value: Value) -> None:
        """Give tensors that name their storage by a tuple the storage of that key."""
        pending: list[Value] = [value]
        seen: set[int] = set()
        while pending and len(seen) < _MAX_ENTRIES:
            current = pending.pop()
            if id(current) in seen:
                continue
            seen.add(id(current))
            if isinstance(current, TensorRecord):
                if isinstance(current.storage, tuple):
                    current.storage = self.table.resolve(current.storage)
            elif isinstance(current, (Dict, list, tuple)):
                pending += (child for _, child in children(current))

    def _read_views(self, segment: Segment, at: int) -> int:
        found = self._interpret(segment, at)
        for view in found.value if isinstance(found.value, (list, tuple)) else ():
            match view:
                case (int() | str() as key, int() | str() as root, int() as first, int() as count):
                    whole = self.table.references.get(str(root))
                    if whole is not None and first >= 0 and count >= 0:
                        self._claim(key, "storages", at)
                        self.values[str(key)] = Reference(
                            None,
                            self.table,
                            whole.dtype,
                            whole.key,
                            whole.location,
                            whole.elements,
                            (first, count),
                        )
                        continue
            raise UnreadableError("a view of a storage is not described", member="storages")
        return found.end

    def _claim(self, key: int | str, member: str, at: int) -> None:
        """Note that an entry has a key: to PyTorch 0 and False are one key, 0 and "0" are two.

        Raises:
            UnreadableError: another entry has it, or it is no number or text.
        """
        if isinstance(key, bool) or str(key) in self.claimed:
            raise UnreadableError(f"the key {key!r} stands for several", member=member, offset=at)
        self.claimed.add(str(key))

    def _tensor(self, segment: Segment, at: int, storage: str) -> tuple[int, TensorRecord]:
        view = segment.view
        rank = int.from_bytes(view[at : at + 4], "little")
        end = at + 8 + 16 * rank + 8
        if rank > _MAX_RANK or end > len(view):
            raise UnreadableError("truncated: a tensor is cut off", member="tensors", offset=at)
        sizes = struct.unpack_from(f"<{rank}q", view, at + 8)
        strides = struct.unpack_from(f"<{rank}q", view, at + 8 + 8 * rank)
        (offset,) = _COUNT.unpack_from(view, end - 8)
        return end, TensorRecord(self.values.get(storage), offset, sizes, strides)

    def _count(self, segment: Segment) -> tuple[int, int]:
        found = self._interpret(segment, 0)
        count = found.value
        if not isinstance(count, int) or not 0 <= count <= _MAX_ENTRIES:
            raise UnreadableError("does not begin with a count", member=segment.member, offset=0)
        return found.end, count

    def _interpret(self, segment: Segment, at: int) -> Interpretation:
        found = self.reading.interpret(segment, at)
        if found.trace.incomplete is not None:
            raise UnreadableError("holds a damaged pickle", member=segment.member, offset=at)
        return found

    def _scan_rest(self, segment: Segment, at: int) -> None:
        if at < len(segment.view):
            self.reading.scan_further(segment, at)

    def _storage(self, reference: Reference) -> Storage:
        if reference.key not in self.spans:
            raise UnreadableError(f"storage {reference.key!r} is missing", member="storages")
        start, end = self.spans[reference.key]
        entry = self.files["storages"]
        data = self.source.view[entry.offset + start : entry.offset + end]
        return Storage(
            reference.key,
            end - start,
            lambda: data,
            "storages",
            entry.offset + start,
            reference.location,
        )


def _is_key(pid: Value) -> bool:
    return isinstance(pid, (str, int)) and not isinstance(pid, bool)
