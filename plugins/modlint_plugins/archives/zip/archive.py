"""Zip archives: members that are mapped or inflated.

`Archive(view)` is an archive as PyTorch reads it; `zip_readings.readings` gives it as every loader
does. Only the central directory is trusted, as PyTorch's own reader does; of a local header nothing
but its length is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from modlint.errors import UnreadableError
from modlint_plugins.archives.streams import ERRORS, FIRST_PIECE
from modlint_plugins.archives.zip.directory import (
    LOCAL,
    LOCAL_MAGIC,
    MAX_MEMBERS,
    Directory,
    Member,
    entries,
    pytorch_directory,
)
from modlint_plugins.archives.zip.methods import DEFLATED, PYTORCH, STORED, inflating

MAX_INFLATED = 2 << 30
MAX_RATIO = 20
"""How many times the archive's size its storages may inflate to: weights hardly shrink."""
_DEFLATE_RATIO = 1033
_PIECE = 1 << 20


class Content(NamedTuple):
    """What could be had of a member.

    Attributes:
        view: its bytes, or the first of them.
        problem: why there are no more of them, None where these are all.
    """

    view: memoryview
    problem: str | None = None


class Archive:
    """The members of an archive, by name.

    Args:
        view: the archive's bytes.
        directory: where its directory lies; where PyTorch finds it by default.
        methods: ways of compression that are read; PyTorch's by default.
        partial: whether a damaged directory is read up to the damage.

    Attributes:
        entries: its members, in the directory's order.
        problem: what ended a partial directory, None where it was read to its end.
        members: the first one of each name.
        inflated: bytes that were inflated to be searched.
        claimed: bytes that the storages inflate to.

    Raises:
        UnreadableError: there is no central directory, or it is damaged.
    """

    def __init__(
        self,
        view: memoryview,
        directory: Directory | None = None,
        methods: frozenset[int] = PYTORCH,
        partial: bool = False,
    ) -> None:
        self.view = view
        self.directory = pytorch_directory(view) if directory is None else directory
        self.methods = methods
        self.problem: UnreadableError | None = None
        self.entries = tuple(self._listed(partial))
        self.members = {member.name: member for member in reversed(self.entries)}
        self.inflated = 0
        self.claimed = 0

    def _listed(self, partial: bool) -> Iterator[Member]:
        try:
            yield from entries(self.view, self.directory)
        except UnreadableError as error:
            if not partial:
                raise
            self.problem = error

    @property
    def end(self) -> int:
        """Offset of the record that ends it."""
        return self.directory.end

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Names that several members bear; PyTorch takes capitals and small letters as equal."""
        counts = Counter(_folded(name) for member in self.entries for name in member.names)
        names = dict.fromkeys(name for member in self.entries for name in member.names)
        return tuple(name for name in names if counts[_folded(name)] > 1)

    @property
    def folder(self) -> str | None:
        """The folder of its first entry, where PyTorch looks for everything; None without one.

        Source: pytorch, `caffe2/serialize/inline_container.cc`, `PyTorchStreamReader::init`, which
        refuses an archive whose first entry lies in no folder.
        """
        folder, slash, _ = self.entries[0].name.partition("/") if self.entries else ("", "", "")
        return folder if slash else None

    def find(self, name: str) -> Member | None:
        """The first member of a name, capitals and small letters of ASCII being equal.

        Source: miniz 3.0, `mz_zip_reader_locate_file_v2`, which PyTorch calls without flags.
        """
        return self._by_folded_name.get(_folded(name))

    @cached_property
    def _by_folded_name(self) -> dict[bytes, Member]:
        return {_folded(member.name): member for member in reversed(self.entries)}

    def offset(self, member: Member) -> int:
        """Offset of the member's first byte in the archive.

        Raises:
            UnreadableError: its local header is damaged, or its bytes lie outside of the file.
        """
        start = self._start(member)
        if start + member.stored > len(self.view):
            raise UnreadableError("its bytes reach past the end of the file", member=member.name)
        return start

    def has_header(self, member: Member) -> bool:
        """Whether a local header lies where the directory says so."""
        at = member.header
        return at >= 0 and bytes(self.view[at : at + 4]) == LOCAL_MAGIC

    def _start(self, member: Member) -> int:
        if not 0 <= member.header <= len(self.view) - LOCAL.size:
            raise UnreadableError("its header lies outside of the file", member=member.name)
        magic, *_, name_length, extra_length = LOCAL.unpack_from(self.view, member.header)
        if magic != LOCAL_MAGIC:
            raise UnreadableError("its header is damaged", member=member.name)
        start: int = member.header + LOCAL.size + name_length + extra_length
        return start

    def mapped(self, member: Member) -> bool:
        """Whether the file holds the member's bytes as they are."""
        return member.method == STORED

    def read(self, member: Member, most: int = MAX_INFLATED) -> memoryview:
        """The member's bytes: a view of the file where it is stored, else inflated.

        Raises:
            UnreadableError: it is damaged, inflates to more than `most` bytes, or is compressed
                by another method than the archive's `methods`.
        """
        raw = self._raw(member)
        if member.method == STORED:
            if member.stored != member.size:
                raise UnreadableError("its stored size is not its size", member=member.name)
            return raw
        self._require_inflatable(member, most)
        inflated = b"".join(_inflate(member, raw, member.size + 1, _PIECE))
        if len(inflated) != member.size:
            raise UnreadableError("does not inflate to its size", member=member.name)
        return memoryview(inflated)

    def content(self, member: Member, most: int = MAX_INFLATED) -> Content:
        """As `read`, but whatever can be had where the member is damaged; never raises."""
        try:
            start = self._start(member)
        except UnreadableError as error:
            return Content(memoryview(b""), str(error))
        raw = self.view[start : start + member.stored]
        problem = None if len(raw) == member.stored else "its bytes reach past the end of the file"
        if member.method == STORED:
            if member.stored != member.size:
                problem = "its stored size is not its size"
            return Content(raw[: member.size], problem)
        if member.method not in self.methods:
            return Content(memoryview(b""), _unknown(member))
        gathered = bytearray()
        try:
            for piece in _inflate(member, raw, min(member.size, most) + 1, _PIECE):
                gathered += piece
        except UnreadableError as error:
            problem = str(error)
        if len(gathered) > most:
            problem = f"inflates to more than {most:,} bytes, the limit"
        elif problem is None and len(gathered) != member.size:
            problem = "does not inflate to its size"
        return Content(memoryview(gathered).toreadonly()[: min(member.size, most)], problem)

    def scan(self, member: Member, most: int = MAX_INFLATED) -> memoryview:
        """As `read`, for what is searched for pickles and archives, within a limit for them all.

        Raises:
            UnreadableError: as `read`, and where members inflate to more than `MAX_INFLATED`.
        """
        if not self.mapped(member):
            # Compressed bytes that inflate to nothing take time as well.
            self.inflated += max(min(member.size, most), member.stored)
            if self.inflated > MAX_INFLATED:
                raise UnreadableError(
                    f"is not examined: members inflate to more than {MAX_INFLATED:,} bytes, "
                    "the limit",
                    member=member.name,
                )
        return self.read(member, most)

    def claim(self, member: Member) -> None:
        """Account for a compressed member that is inflated whenever its tensors are read.

        Raises:
            UnreadableError: such members inflate to more than the archive could hold of weights.
        """
        self.claimed += member.size
        most = max(MAX_INFLATED, MAX_RATIO * len(self.view))
        if self.claimed > most:
            raise UnreadableError(
                f"is not read: storages inflate to more than {most:,} bytes, the limit",
                member=member.name,
            )

    def chunks(self, member: Member, nbytes: int = _PIECE) -> Iterator[memoryview]:
        """The member's bytes in order, in pieces; one view of the file where it is stored.

        Raises:
            UnreadableError: as `read`; damage is found when the piece that holds it is reached.
        """
        if member.method == STORED:
            yield self.read(member)
            return
        raw = self._raw(member)
        self._require_inflatable(member, MAX_INFLATED)
        given = 0
        for piece in _inflate(member, raw, member.size + 1, nbytes):
            given += len(piece)
            yield memoryview(piece)
        if given != member.size:
            raise UnreadableError("does not inflate to its size", member=member.name)

    def peek(self, member: Member, nbytes: int) -> memoryview:
        """The member's first bytes, as many as there are up to `nbytes`.

        Raises:
            UnreadableError: as `read`.
        """
        raw = self._raw(member)
        if member.method == STORED:
            return raw[:nbytes]
        self._require_inflatable(member)
        # bzip2 gives nothing before the end of a block of up to 900,000 bytes.
        first = raw[:FIRST_PIECE] if member.method == DEFLATED else raw[:_PIECE]
        inflated = memoryview(b"".join(_inflate(member, first, nbytes, nbytes)))
        if member.size and not len(inflated):
            raise UnreadableError(
                f"gives nothing out of its first {len(first):,} bytes", member=member.name
            )
        return inflated

    def _raw(self, member: Member) -> memoryview:
        start = self.offset(member)
        return self.view[start : start + member.stored]

    def _require_inflatable(self, member: Member, most: int | None = None) -> None:
        """Refuse what is compressed otherwise, or claims more than `most` bytes or it can hold."""
        if member.method not in self.methods:
            raise UnreadableError(_unknown(member), member=member.name)
        possible = _DEFLATE_RATIO * member.stored if member.method == DEFLATED else member.size
        if most is None or member.size <= min(most, possible):
            return
        limit = f"; the limit is {most:,} bytes" if member.size > most else ""
        raise UnreadableError(
            f"claims to inflate to {member.size:,} bytes from {member.stored:,}{limit}",
            member=member.name,
        )


def _inflate(member: Member, raw: memoryview, most: int, step: int) -> Iterator[bytes]:
    try:
        yield from inflating(member.method, raw, most, step)
    except ERRORS as error:
        raise UnreadableError("its compressed bytes are damaged", member=member.name) from error


def _unknown(member: Member) -> str:
    reader = "PyTorch does not read" if member.method in (12, 14, 93) else "is not read"
    return f"is compressed by method {member.method}, which {reader}"


def _folded(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass").lower()


__all__ = [
    "LOCAL_MAGIC",
    "MAX_INFLATED",
    "MAX_MEMBERS",
    "MAX_RATIO",
    "Archive",
    "Content",
    "Directory",
    "Member",
]
