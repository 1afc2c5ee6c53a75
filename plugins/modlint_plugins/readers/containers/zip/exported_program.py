"""Programs that torch.export saved (.pt2): the archive since PyTorch 2.7, and the layout before.

Sources: torch 2.13, `export/pt2_archive/_package.py` and `constants.py`,
`_export/serde/schema.py`; torch 2.1 to 2.6, `export/__init__.py`, `save`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Storage
from modlint.dtypes import DTYPES, DType
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.readings import distinct
from modlint_plugins.readers.contained import Contents, bare, prefixed
from modlint_plugins.readers.containers.zip.bundle import keep_structure, open_member, open_storage
from modlint_plugins.readers.containers.zip.stated_tensor import Stated, stated_tensor
from modlint_plugins.readers.torch.storages import swapped

Layout = Literal["old", "new"]
FORMAT = "exported-program"

_MAX_JSON = 64 << 20
_CONFIGS = ("_weights_config.json", "_constants_config.json")
_INPUTS = ("sample_inputs/", "serialized_example_inputs")
_RAW = re.compile(r"(?:weight|tensor)_\d+")
"""How torch names a tensor's bytes: others it may unpickle, whatever tables say."""
_SCALAR_TYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
    8: "float64", 9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16",
    28: "uint16", 29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz",
    32: "float8_e5m2fnuz", 33: "float8_e8m0fnu", 34: "uint32", 35: "uint64",
}  # fmt: skip


def exported_layout(archive: Archive) -> Layout | None:
    """The layout of a program's archive, None for any other archive."""
    for member in archive.entries:
        folder, _, leaf = member.name.rpartition("/")
        if leaf == "serialized_exported_program.json":
            return "old"
        if leaf == "archive_format" and "/" not in folder:
            return "new"
    return None


def read_exported(source: Source, archives: Sequence[Archive], layout: Layout) -> Checkpoint:
    """Read the tensors, and examine every member of every reading of the archive."""
    contents = Contents(source)
    keep_structure(contents, archives[0])
    stated = _Program(contents, archives[0])
    if layout == "new":
        stated.read_configs()
    for archive, member in distinct(archives):
        try:
            contents.allowance.spend_member()
        except UnreadableError as error:
            contents.fault("limit", str(error))
            break
        if stated.is_raw(member):
            open_storage(contents, archive, member)
            continue
        mine = layout == "old" or member.name in stated.pickled
        naming = bare(member.name) if mine else prefixed(member.name)
        open_member(contents, archive, member, naming, tensors=not _is_input(member))
    return replace(contents.checkpoint(FORMAT), graph=_graph(archives[0], layout))


def _is_input(member: Member) -> bool:
    return any(part in member.name for part in _INPUTS)


def _is_named_raw(path: str) -> bool:
    """Whether a member is called as torch calls the bytes of a tensor."""
    return _RAW.fullmatch(path.rpartition("/")[2]) is not None


class ExportedProgram(Struct, frozen=True, eq=False):
    """The graph that a .pt2 archive holds.

    Attributes:
        text: gives it as torch.export serialised it: JSON.
    """

    text: Callable[[], bytes]


def _graph(archive: Archive, layout: Layout) -> ExportedProgram | None:
    """The archive's graph; of several programs in one archive, the first."""
    for member in archive.entries:
        folder, _, leaf = member.name.rpartition("/")
        old = layout == "old" and leaf == "serialized_exported_program.json"
        if old or (layout == "new" and folder.endswith("models") and leaf.endswith(".json")):
            return ExportedProgram(partial(_text, archive, member))
    return None


def _text(archive: Archive, member: Member) -> bytes:
    return bytes(archive.read(member, _MAX_JSON))


class _Program:
    """The tables of weights and constants of an archive of the newer layout.

    Attributes:
        raw: names of the members that tables call tensors' bytes.
        pickled: names of the members that hold a tensor as PyTorch saves it.
    """

    def __init__(self, contents: Contents, archive: Archive) -> None:
        self.contents = contents
        self.archive = archive
        self.raw: set[str] = set()
        self.pickled: set[str] = set()
        order = self._text(self._named("byteorder"))
        self.big_endian = order == b"big"
        self._storages: dict[str, Storage] = {}

    def is_raw(self, member: Member) -> bool:
        """Whether tables call the member a tensor's bytes and none a pickle; an input is one."""
        if member.name in self.pickled or _is_input(member) or not _is_named_raw(member.name):
            return False
        return member is self.archive.members.get(member.name) and member.name in self.raw

    def read_configs(self) -> None:
        """Read every table; what is wrong becomes a fault."""
        for member in self.archive.entries:
            if member.name.endswith(_CONFIGS):
                for name, entry in self._entries(member):
                    try:
                        self._add(name, entry, member.name.rpartition("/")[0])
                    except UnreadableError as error:
                        self.contents.fail(error, error.member or member.name)

    def _entries(self, member: Member) -> list[tuple[str, Any]]:
        try:
            config = json.loads(self._text(member) or b"null")["config"]
            return list(config.items())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            error = UnreadableError("is no table of tensors")
            self.contents.fail(error, member.name)
            return []

    def _add(self, name: str, entry: Any, folder: str) -> None:
        try:
            path = f"{folder}/{entry['path_name']}"
            pickled = bool(entry["use_pickle"])
            stated = None if pickled else _stated(name, entry["tensor_meta"])
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableError(f"tensor {name!r} is not described as PyTorch does") from error
        member = self.archive.members.get(path)
        if member is None:
            raise UnreadableError(f"the bytes of tensor {name!r} are missing", member=path)
        if stated is None or not _is_named_raw(path):
            self.pickled.add(path)
            return
        self.raw.add(path)
        storage = self._storage(member, stated.dtype)
        self.contents.add_tensor(stated_tensor(stated, storage))

    def _storage(self, member: Member, dtype: DType) -> Storage:
        if member.name not in self._storages:
            mapped = self.archive.mapped(member)
            offset = self.archive.offset(member)
            if mapped:
                self.archive.read(member)

            def read() -> memoryview:
                data = self.archive.read(member)
                return swapped(data, dtype) if self.big_endian else data

            self._storages[member.name] = Storage(
                member.name.rpartition("/")[2],
                member.size,
                read,
                member.name,
                offset if mapped and not self.big_endian else None,
            )
        return self._storages[member.name]

    def _named(self, leaf: str) -> Member | None:
        return next((m for m in self.archive.entries if m.name.rpartition("/")[2] == leaf), None)

    def _text(self, member: Member | None) -> bytes:
        if member is None:
            return b""
        try:
            return bytes(self.archive.read(member, _MAX_JSON))
        except UnreadableError as error:
            self.contents.fail(error, member.name)
            return b""


def _stated(name: str, meta: Any) -> Stated:
    dtype = DTYPES[_SCALAR_TYPES[meta["dtype"]]]
    shape, strides = _sizes(meta["sizes"]), _sizes(meta["strides"])
    return Stated(name, dtype, shape, strides, _sizes([meta["storage_offset"]])[0])


def _sizes(sizes: Any) -> tuple[int, ...]:
    found = tuple(size["as_int"] for size in sizes)
    if not all(type(size) is int for size in found):
        raise ValueError
    return found
