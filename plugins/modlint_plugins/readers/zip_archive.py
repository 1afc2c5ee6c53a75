"""Zip archives as PyTorch writes them: a directory, and members that are mapped or inflated.

Layout: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3. Only the central directory is trusted, as
PyTorch's own reader does; of a local header nothing but its length is used.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from modlint.errors import UnreadableError

LOCAL_MAGIC = b"PK\x03\x04"
END_MAGIC = b"PK\x05\x06"
MAX_MEMBERS = 100_000
MAX_INFLATED = 2 << 30
MAX_RATIO = 20
"""How many times the archive's size its storages may inflate to: weights hardly shrink."""

END = struct.Struct("<4s4H2IH")  # magic, disks, entries, directory size and offset, comment
END_64_LOCATOR = struct.Struct("<4sIQI")
END_64 = struct.Struct("<4sQ2H2I4Q")
CENTRAL = struct.Struct("<4s6H3I5H2I")
LOCAL = struct.Struct("<4s5H3I2H")
_LOCATOR_64_MAGIC = b"PK\x06\x07"
_STORED, _DEFLATED = 0, 8
_DEFLATE_RATIO = 1033
_FIRST_PIECE = 4096
"""Compressed bytes that must give something, and the size of the first piece inflated."""
_DAMAGED = "its compressed bytes are damaged"


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of the central directory.

    Attributes:
        name: its path in the archive.
        header: offset of its local header.
        stored: bytes that it takes in the archive.
        size: bytes that it holds.
        method: 0 stored, 8 deflated.
        flags: general purpose bits of the central directory.
        crc32: checksum of what it holds.
        record: offset of its record in the central directory.
    """

    name: str
    header: int
    stored: int
    size: int
    method: int
    flags: int = 0
    crc32: int = 0
    record: int = 0

    @property
    def encrypted(self) -> bool:
        """Whether the directory says so; PyTorch reads the bytes as they are all the same."""
        return bool(self.flags & 0x1)


class Archive:
    """The members of an archive, by name.

    Attributes:
        view: the archive's bytes.
        end: offset of the record that ends it.
        directory: offset and size of the central directory.
        entries: its members, in the directory's order.
        members: the first one of each name.
        inflated: bytes that were inflated to be searched.
        claimed: bytes that the storages inflate to.

    Raises:
        UnreadableError: there is no central directory, or it is damaged.
    """

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.end = _find_end(view)
        self.directory = _locate_directory(view, self.end)
        self.entries = tuple(_directory(view, *self.directory))
        self.members = {member.name: member for member in reversed(self.entries)}
        self.inflated = 0
        self.claimed = 0

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Names that several members bear; PyTorch takes capitals and small letters as equal."""
        counts = Counter(member.name.lower() for member in self.entries)
        names = dict.fromkeys(member.name for member in self.entries)
        return tuple(name for name in names if counts[name.lower()] > 1)

    def offset(self, member: Member) -> int:
        """Offset of the member's first byte in the archive.

        Raises:
            UnreadableError: its local header is damaged, or its bytes lie outside of the file.
        """
        if member.header + LOCAL.size > len(self.view):
            raise UnreadableError("its header lies outside of the file", member=member.name)
        magic, *_, name_length, extra_length = LOCAL.unpack_from(self.view, member.header)
        if magic != LOCAL_MAGIC:
            raise UnreadableError("its header is damaged", member=member.name)
        start: int = member.header + LOCAL.size + name_length + extra_length
        if start + member.stored > len(self.view):
            raise UnreadableError("its bytes reach past the end of the file", member=member.name)
        return start

    def mapped(self, member: Member) -> bool:
        """Whether the file holds the member's bytes as they are."""
        return member.method == _STORED

    def read(self, member: Member, most: int = MAX_INFLATED) -> memoryview:
        """The member's bytes: a view of the file where it is stored, else inflated.

        Raises:
            UnreadableError: it is damaged, inflates to more than `most` bytes, or is compressed
                by another method than deflate.
        """
        start = self.offset(member)
        raw = self.view[start : start + member.stored]
        if member.method == _STORED:
            if member.stored != member.size:
                raise UnreadableError("its stored size is not its size", member=member.name)
            return raw
        _require_deflated(member, most)
        inflated = _inflate(member, raw, member.size + 1)
        if len(inflated) != member.size:
            raise UnreadableError("does not inflate to its size", member=member.name)
        return memoryview(inflated)

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

    def chunks(self, member: Member, nbytes: int = 1 << 20) -> Iterator[memoryview]:
        """The member's bytes in order, in pieces; one view of the file where it is stored.

        Raises:
            UnreadableError: as `read`; damage is found when the piece that holds it is reached.
        """
        if member.method == _STORED:
            yield self.read(member)
            return
        start = self.offset(member)
        raw = self.view[start : start + member.stored]
        _require_deflated(member, MAX_INFLATED)
        yield from _inflate_pieces(member, raw, nbytes)

    def peek(self, member: Member, nbytes: int) -> memoryview:
        """The member's first bytes, as many as there are up to `nbytes`.

        Raises:
            UnreadableError: as `read`.
        """
        start = self.offset(member)
        raw = self.view[start : start + member.stored]
        if member.method == _STORED:
            return raw[:nbytes]
        inflated = memoryview(_inflate(member, raw[:_FIRST_PIECE], nbytes))
        if member.size and not len(inflated):
            raise UnreadableError(
                f"gives nothing out of its first {_FIRST_PIECE:,} bytes", member=member.name
            )
        return inflated


def _inflate_pieces(member: Member, raw: memoryview, nbytes: int) -> Iterator[memoryview]:
    """Small pieces first: who wants the beginning only does not pay for more."""
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    at = given = 0
    step = _FIRST_PIECE
    while at < len(raw) and given <= member.size:
        pending: bytes | memoryview = raw[at : at + step]
        at += step
        while pending and given <= member.size:
            try:
                piece = inflating.decompress(pending, step)
            except zlib.error as error:
                raise UnreadableError(_DAMAGED, member=member.name) from error
            given += len(piece)
            if piece:
                yield memoryview(piece)
            pending = inflating.unconsumed_tail
        step = min(2 * step, nbytes)
    if given != member.size:
        raise UnreadableError("does not inflate to its size", member=member.name)


def _inflate(member: Member, raw: memoryview, most: int) -> bytes:
    _require_deflated(member)
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, most)
    except zlib.error as error:
        raise UnreadableError(_DAMAGED, member=member.name) from error


def _require_deflated(member: Member, most: int | None = None) -> None:
    """Refuse what is compressed otherwise, or claims more than `most` bytes or than it can hold."""
    if member.method != _DEFLATED:
        raise UnreadableError(
            f"is compressed by method {member.method}, which PyTorch does not read",
            member=member.name,
        )
    if most is None or member.size <= min(most, _DEFLATE_RATIO * member.stored):
        return
    limit = f"; the limit is {most:,} bytes" if member.size > most else ""
    raise UnreadableError(
        f"claims to inflate to {member.size:,} bytes from {member.stored:,}{limit}",
        member=member.name,
    )


def _directory(view: memoryview, start: int, nbytes: int) -> Iterator[Member]:
    at, end = start, start + nbytes
    count = 0
    while at < end:
        if at + CENTRAL.size > len(view) or bytes(view[at : at + 4]) != b"PK\x01\x02":
            raise UnreadableError("the zip archive's directory is damaged", offset=at)
        count += 1
        if count > MAX_MEMBERS:
            raise UnreadableError(f"the zip archive has more than {MAX_MEMBERS:,} members")
        member, at = _entry(view, at)
        yield member


def _find_end(view: memoryview) -> int:
    """Offset of the end of central directory record, the last one there is."""
    tail_start = max(len(view) - (END.size + 0xFFFF), 0)
    tail = bytes(view[tail_start:])
    found = tail.rfind(END_MAGIC, 0, len(tail) - END.size + 4)
    if found < 0:
        raise UnreadableError(
            "truncated: the zip archive has no directory at its end",
            help="fetch the file again",
        )
    return tail_start + found


def _locate_directory(view: memoryview, at: int) -> tuple[int, int]:
    """Offset and size of the central directory.

    Where there is a 64-bit end record, PyTorch and Python believe it, whatever the other says.
    """
    *_, nbytes, offset, _ = END.unpack_from(view, at)
    if 0xFFFFFFFF in (nbytes, offset) or _has_locator_64(view, at):
        nbytes, offset = _locate_directory_64(view, at)
    if offset + nbytes > at:
        raise UnreadableError("the zip archive's directory reaches past its end", offset=at)
    return offset, nbytes


def _has_locator_64(view: memoryview, end: int) -> bool:
    locator = end - END_64_LOCATOR.size
    return locator >= 0 and bytes(view[locator : locator + 4]) == _LOCATOR_64_MAGIC


def _locate_directory_64(view: memoryview, end: int) -> tuple[int, int]:
    damaged = UnreadableError("the zip archive's 64-bit directory is damaged", offset=end)
    locator = end - END_64_LOCATOR.size
    if locator < 0:
        raise damaged
    magic, _, at, _ = END_64_LOCATOR.unpack_from(view, locator)
    if magic != _LOCATOR_64_MAGIC or at + END_64.size > len(view):
        raise damaged
    magic, *_, nbytes, offset = END_64.unpack_from(view, at)
    if magic != b"PK\x06\x06":
        raise damaged
    return nbytes, offset


def _entry(view: memoryview, at: int) -> tuple[Member, int]:
    fields = CENTRAL.unpack_from(view, at)
    flags, method, crc32, stored, size = *fields[3:5], *fields[7:10]
    name_length, extra_length, comment_length = fields[10:13]
    header = fields[16]
    name_at = at + CENTRAL.size
    extra_at = name_at + name_length
    extra = bytes(view[extra_at : extra_at + extra_length])
    size, stored, header = _widen(extra, [size, stored, header])
    name = bytes(view[name_at:extra_at]).decode("utf-8", "backslashreplace")
    end = extra_at + extra_length + comment_length
    return Member(name, header, stored, size, method, flags, crc32, at), end


def _widen(extra: bytes, fields: list[int]) -> list[int]:
    """The fields with those that do not fit in 32 bits taken from the zip64 extra."""
    at = 0
    while at + 4 <= len(extra):
        kind, nbytes = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = iter(
                struct.unpack_from(f"<{nbytes // 8}Q", extra[at + 4 :].ljust(nbytes, b"\0"))
            )
            return [next(wide, field) if field == 0xFFFFFFFF else field for field in fields]
        at += 4 + nbytes
    return fields
