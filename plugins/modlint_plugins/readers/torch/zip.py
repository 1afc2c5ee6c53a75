"""Reader of the zip archives that `torch.save` and `torch.jit.save` write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Storage
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC, Archive, Member
from modlint_plugins.archives.zip.chain import is_chain
from modlint_plugins.archives.zip.sharing import Sharing
from modlint_plugins.pickling.values import Value
from modlint_plugins.readers.contained import budget_of
from modlint_plugins.readers.torch.extra import examine_archives
from modlint_plugins.readers.torch.members import note_archive
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.program import TorchScriptProgram, code_of
from modlint_plugins.readers.torch.reading import Reading, Segment
from modlint_plugins.readers.torch.storages import Reference, StorageTable, swapped
from modlint_plugins.readers.torch.tensors import TensorCollector

_MAX_PICKLE = 256 << 20
_MAX_NOTE = 4096
_NEWEST = 10
"""The highest version of the format that PyTorch reads (`kMaxSupportedFileFormatVersion`)."""
_NOTES = ("version", ".data/version", "byteorder", ".format_version", ".data/serialization_id")
_BELONGS = re.compile(
    r"version|byteorder|\.format_version|\.storage_alignment|\.data/.*|extra/.*|code/.*"
    r"|(data|constants|attributes|bytecode|mobile_debug_handles|traced_inputs)\.pkl|.*\.debug_pkl|model\.json|traced_inputs/.*"
)
"""Members that the format itself writes, beside the storages."""
_PICKLE_NAMES = (".pkl", ".pickle", ".debug_pkl")


class TorchZipReader:
    """PyTorch's zip format: one pickle, and a member for each storage."""

    name = "torch-zip"
    description = "PyTorch checkpoints and TorchScript archives (zip, since PyTorch 1.6)"
    family = "zip"

    def sniff(self, source: Source) -> bool:
        """Whether the file is a zip archive that holds a data.pkl, or the beginning of one."""
        if not source.startswith(LOCAL_MAGIC):
            return False
        if is_chain(source.view):
            return False  # a distributed part: several archives
        try:
            return has_pickle(Archive(source.view))
        except UnreadableError:
            return b"/data.pkl" in bytes(source.view[: 1 << 16]).lower()

    def read(self, source: Source) -> Checkpoint:
        """Read the archive.

        Raises:
            UnreadableError: it has no directory, or no data.pkl.
        """
        reading = Reading(open_nested, budget_of(source))
        archive = Archive(source.view)
        torch_archive = TorchArchive(archive, reading)
        collector = TensorCollector(reading)
        module = torch_archive.load("data.pkl")
        collector.collect(module)
        graph = None
        if torch_archive.is_torchscript:
            constants = torch_archive.load("constants.pkl")
            collector.collect(constants, "constants")
            code = code_of(archive, torch_archive.prefix)
            graph = TorchScriptProgram(module, constants, collector.names, code)
        torch_archive.scan_others()
        torch_archive.note()
        examine_archives(source, archive, torch_archive.used or frozenset(), reading)
        kind = "torchscript" if torch_archive.is_torchscript else self.name
        return replace(collector.checkpoint(source, kind), graph=graph)


class TorchArchive:
    """A zip archive with PyTorch's layout: all members in one folder, whatever its name.

    Args:
        archive: the zip archive.
        reading: where traces, remarks and faults go.
        member: name of what holds the archive, where that is not the file itself.
        origin: offset of the archive in the file, None where it is not mapped.

    Raises:
        UnreadableError: there is no data.pkl.
    """

    def __init__(
        self,
        archive: Archive,
        reading: Reading,
        member: str | None = None,
        origin: int | None = 0,
    ) -> None:
        prefix = _prefix(archive)
        if prefix is None:
            raise UnreadableError("the zip archive holds no data.pkl", member=member)
        for message in (*_refusals(archive, prefix), *_outsiders(archive)):
            reading.fault("refused-by-torch", message, member)
        self.archive = archive
        self.reading = reading
        self.prefix = prefix
        self.member = member
        self.origin = origin
        self.used: set[str] | None = set()
        note_archive(reading, archive, member, origin)
        self._note_folders()
        self.big_endian = self._note_of("byteorder") == "big"

    def _note_folders(self) -> None:
        """Note what PyTorch and others may take for different checkpoints."""
        folders = set(_folders(self.archive))
        if len(folders) > 1:
            message = f"{len(folders):,} folders hold a data.pkl; PyTorch reads {self.prefix!r}"
            self.reading.remark("ambiguous-archive", message, self.member)

    @property
    def is_torchscript(self) -> bool:
        """Whether `torch.jit.save` wrote it."""
        return f"{self.prefix}constants.pkl" in self.archive.members  # torch.load asks for no other

    def find(self, name: str) -> Member | None:
        """The member that PyTorch takes for a name: capitals and small letters are equal."""
        return self.archive.find(f"{self.prefix}{name}")

    def load(self, name: str) -> Value:
        """What a pickle stands for; None, and a fault, where it cannot be read."""
        folder = "constants" if name == "constants.pkl" else "data"
        table = StorageTable(lambda reference: self._storage(reference, folder))
        member = self.find(name)
        try:
            if member is None:
                raise UnreadableError(f"the archive lacks {name}", member=self.member)
            segment = self._segment(member)
        except UnreadableError as error:
            self.reading.fail("damaged-member", error)
            return None
        found = self.reading.interpret(segment, resolve=table.resolve)
        if found.trace.incomplete is not None:
            self.used = None
            return found.value
        self.reading.scan_further(segment, found.end)
        if self.used is not None:
            used = (self.find(f"{folder}/{key}") for key in table.references)
            self.used |= {member.name for member in used if member is not None}
        return found.value

    def scan_others(self) -> None:
        """Interpret the pickles that loading does not need, and look for hidden ones."""
        main = [self.find("data.pkl"), self.find("constants.pkl")]
        sharing = Sharing(len(self.archive.view))
        for member in self.archive.entries:
            if any(member is read for read in main):
                continue
            self._note_use(member)
            try:
                sharing.spend(member)
            except UnreadableError as error:
                self.reading.fail("damaged-member", error)
                return
            try:
                self._scan(member)
            except UnreadableError as error:
                self.reading.fail("damaged-member", error)

    def _note_use(self, member: Member) -> None:
        """Note a member that neither the pickles nor the format refer to."""
        if self.used is None or member.name in self.used or not member.size:
            return
        inner = member.name.removeprefix(self.prefix)
        if member.name.startswith(self.prefix) and _BELONGS.fullmatch(inner.lower()):
            return
        name = member.name if self.member is None else f"{self.member}!{member.name}"
        message = f"nothing refers to member {member.name!r}, {member.size:,} bytes"
        self.reading.remark("unreferenced-member", message, name)

    def note(self) -> None:
        """Keep what the archive says of itself."""
        for name in _NOTES:
            text = self._note_of(name)
            if text is not None:
                self.reading.metadata[f"archive.{name.rpartition('/')[2].lstrip('.')}"] = text
        if self.big_endian:
            self.reading.remark("big-endian", "numbers are stored big-endian, and read swapped")

    def _scan(self, member: Member) -> None:
        if member.name.lower().endswith(_PICKLE_NAMES):
            self.reading.scan_further(self._segment(member), 0)
            return
        start = bytes(self.archive.peek(member, 1))
        if start == b"\x80" or (start and not self._is_storage(member)):
            self.reading.scan_hidden(self._segment(member), headed=start == b"\x80")

    def _is_storage(self, member: Member) -> bool:
        """Whether it is one by its name: much that is numbers reads as an old pickle."""
        return member.name.removeprefix(self.prefix).startswith(("data/", "constants/"))

    def _segment(self, member: Member) -> Segment:
        view = self.archive.scan(member, _MAX_PICKLE)
        name = member.name if self.member is None else f"{self.member}!{member.name}"
        return Segment(view, name, self._offset(member))

    def _offset(self, member: Member) -> int | None:
        if self.origin is None or not self.archive.mapped(member):
            return None
        return self.origin + self.archive.offset(member)

    def _storage(self, reference: Reference, folder: str) -> Storage:
        member = self.find(f"{folder}/{reference.key}")
        if member is None:
            name = f"{self.prefix}{folder}/{reference.key}"
            raise UnreadableError("the archive lacks this storage", member=name)
        view = self.archive.read(member) if self.archive.mapped(member) else None
        if view is None:
            self.archive.claim(member)
            self.archive.peek(member, 1)
        offset = self._offset(member)

        def read() -> memoryview:
            data = self.archive.read(member) if view is None else view
            return swapped(data, reference.dtype) if self.big_endian else data

        return Storage(
            reference.key,
            member.size,
            read,
            member.name,
            None if self.big_endian else offset,
            reference.location,
        )

    def _note_of(self, name: str) -> str | None:
        member = self.find(name)
        if member is None or member.size > _MAX_NOTE:
            return None
        try:
            return bytes(self.archive.read(member)).decode("utf-8", "backslashreplace").strip()
        except UnreadableError as error:
            self.reading.fail("damaged-member", error)
            return None


def load_nested(reading: Reading, segment: Segment) -> Value:
    """What an archive within a bytes literal stands for."""
    archive = TorchArchive(Archive(segment.view), reading, segment.member, segment.origin)
    value = archive.load("data.pkl")
    archive.scan_others()
    return value


def has_pickle(archive: Archive) -> bool:
    """Whether an archive has PyTorch's layout."""
    return _prefix(archive) is not None


def _prefix(archive: Archive) -> str | None:
    """The folder of PyTorch's members, with its slash.

    PyTorch takes that of the archive's first member, whatever others hold.
    """
    folders = list(_folders(archive))
    first = None if archive.folder is None else f"{archive.folder}/"
    return first if first in folders else next(iter(folders), None)


def _refusals(archive: Archive, prefix: str) -> Iterator[str]:
    """Why PyTorch does not open an archive of its own layout.

    Source: pytorch, `caffe2/serialize/inline_container.cc`, `PyTorchStreamReader::init`;
    `torch/serialization.py`, `_load`.
    """
    if archive.folder is None:
        yield "PyTorch refuses the archive: its first file lies in no folder"
        return
    version = _note(archive, f"{prefix}.data/version") or _note(archive, f"{prefix}version")
    version = None if version is None else version.strip()
    if version is None:
        yield "PyTorch refuses the archive: it states no version"
    elif not version.isdigit() or not 1 <= int(version[:9]) <= _NEWEST:
        yield f"PyTorch refuses the archive: its version is {version[:20]!r}"
    order = _note(archive, f"{prefix}byteorder")
    alignment = _note(archive, f"{prefix}.storage_alignment")
    if alignment is not None and not alignment.isdigit():
        yield f"PyTorch refuses the archive: its storage alignment is {alignment[:20]!r}"
    if order not in (None, "little", "big"):
        yield f"PyTorch refuses the archive: its order of bytes is {str(order)[:20]!r}"


def _outsiders(archive: Archive) -> Iterator[str]:
    """Members out of the archive's folder: torch.load refuses them, torch.jit.load does not look.

    Source: pytorch, `caffe2/serialize/inline_container.cc`, `PyTorchStreamReader::getAllRecords`.
    """
    folder = f"{archive.folder}/"
    if archive.folder is None or f"{folder}constants.pkl" in archive.members:
        return
    outside = [member.name for member in archive.entries if not member.name.startswith(folder)]
    if outside:
        yield f"PyTorch refuses the archive: {outside[0][:200]!r} lies out of its folder {folder!r}"


def _note(archive: Archive, name: str) -> str | None:
    """A short text of a member, None where there is no such member."""
    member = archive.find(name)
    if member is None:
        return None
    try:
        return bytes(archive.read(member, _MAX_NOTE)).decode("utf-8", "backslashreplace")
    except UnreadableError:
        return ""


def _folders(archive: Archive) -> Iterator[str]:
    for member in archive.entries:
        folder, _, leaf = member.name.rpartition("/")
        if leaf.lower() == "data.pkl" and "/" not in folder:
            yield f"{folder}/" if folder else ""
