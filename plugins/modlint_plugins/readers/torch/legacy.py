"""Reader of the files that `torch.save` wrote before PyTorch 1.6, and writes on demand.

Five pickles follow one another: a magic number, the protocol, facts about the machine, the
object, the keys of its storages; then each storage as a count of elements and their bytes, which
are little-endian on every machine, whatever the third pickle says.
Source: torch 2.13, `serialization.py`, `_legacy_save` and `_legacy_load`.
"""

from __future__ import annotations

import struct

from modlint.checkpoint import Checkpoint, Storage
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.pickling.stacked import PROTOCOL, is_legacy
from modlint_plugins.pickling.values import Value
from modlint_plugins.readers.contained import budget_of
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment
from modlint_plugins.readers.torch.storages import Reference, StorageTable
from modlint_plugins.readers.torch.tensors import TensorCollector

_COUNT = struct.Struct("<q")


class TorchLegacyReader:
    """PyTorch's stacked pickles."""

    name = "torch-legacy"
    description = "PyTorch checkpoints before 1.6 (stacked pickles, then the storages)"
    family = "pickle"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins with a pickle of PyTorch's magic number."""
        return is_legacy(source.view)

    def read(self, source: Source) -> Checkpoint:
        """Read the file."""
        reading = Reading(open_nested, budget_of(source))
        value = load_legacy(reading, Segment(source.view))
        collector = TensorCollector(reading)
        collector.collect(value)
        return collector.checkpoint(source, self.name)


def load_legacy(reading: Reading, segment: Segment) -> Value:
    """What the file's object stands for; its storages are found where that refers to them.

    Raises:
        UnreadableError: it ends before the object, or is of another protocol.
    """
    at = 0
    header = []
    for what in ("magic number", "protocol", "description of the machine"):
        found = reading.interpret(segment, at)
        if found.trace.incomplete is not None:
            raise UnreadableError(f"truncated: the file ends in its {what}", offset=at)
        header.append(found.value)
        at = found.end
    if not isinstance(header[1], int) or header[1] != PROTOCOL:
        raise UnreadableError("the file is of a protocol that PyTorch never wrote")
    storages = _Storages(reading, segment)
    return storages.load(at)


class _Storages:
    """The storages behind the pickles."""

    def __init__(self, reading: Reading, segment: Segment) -> None:
        self.reading = reading
        self.segment = segment
        self.table = StorageTable(self._storage)
        self.spans: dict[str, tuple[int, int]] = {}

    def load(self, at: int) -> Value:
        """The object, whose pickle begins at an offset; then find the storages."""
        found = self.reading.interpret(self.segment, at, self.table.resolve)
        if found.trace.incomplete is None:
            keys = self.reading.interpret(self.segment, found.end)
            if keys.trace.incomplete is None:
                self._locate(keys.value, keys.end)
        return found.value

    def _locate(self, keys: Value, at: int) -> None:
        view = self.segment.view
        for key in keys if isinstance(keys, (list, tuple)) else ():
            reference = self.table.references.get(str(key)) if isinstance(key, (str, int)) else None
            if reference is None:
                self._fault("the list of storages names one that the pickle does not refer to", at)
                return
            start = at + _COUNT.size
            count = _COUNT.unpack_from(view, at)[0] if start <= len(view) else -1
            end = start + reference.dtype.nbytes(count)
            if count < 0 or end > len(view):
                self._fault(f"truncated: storage {reference.key!r} is not wholly there", at)
                return
            self.spans[reference.key] = start, end
            self._scan(reference.key, start, end)
            at = end
        if at < len(view):
            self.reading.scan_further(self.segment, at)

    def _scan(self, key: str, start: int, end: int) -> None:
        """Look for a pickle in a storage."""
        place = f"storage {key}"
        member = place if self.segment.member is None else f"{self.segment.member}, {place}"
        origin = None if self.segment.origin is None else self.segment.origin + start
        self.reading.scan_hidden(Segment(self.segment.view[start:end], member, origin))

    def _fault(self, message: str, at: int) -> None:
        self.reading.fault("bad-storage", message, self.segment.member, at)

    def _storage(self, reference: Reference) -> Storage:
        if reference.key not in self.spans:
            raise UnreadableError(f"storage {reference.key!r} is missing from the file")
        start, end = self.spans[reference.key]
        data = self.segment.view[start:end]
        origin = self.segment.origin
        return Storage(
            reference.key,
            end - start,
            lambda: data,
            self.segment.member,
            None if origin is None else origin + start,
            reference.location,
        )
