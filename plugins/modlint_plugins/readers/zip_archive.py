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
MAX_MEMBERS = 250_000
MAX_INFLATED = 2 << 30

_END = struct.Struct("<4s4H2IH")  # magic, disks, entries, directory size and offset, comment
_END_64_LOCATOR = struct.Struct("<4sIQI")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_DEFLATE_RATIO = 1033


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of the central directory.

    Attributes:
        name: its path in the archive.
        header: offset of its local header.
        stored: bytes that it takes in the archive.
        size: bytes that it holds.
        method: 0 stored, 8 deflated.
    """

    name: str
    header: int
    stored: int
    size: int
    method: int


class Archive:
    """The members of an archive, by name.

    Raises:
        UnreadableError: there is no central directory, or it is damaged.
    """

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.entries = tuple(_directory(view))
        self.members = {member.name: member for member in reversed(self.entries)}

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Names that several members bear."""
        counts = Counter(member.name for member in self.entries)
        return tuple(name for name, count in counts.items() if count > 1)

    def offset(self, member: Member) -> int:
        """Offset of the member's first byte in the archive.

        Raises:
            UnreadableError: its local header is damaged, or its bytes lie outside of the file.
        """
        if member.header + _LOCAL.size > len(self.view):
            raise UnreadableError("its header lies outside of the file", member=member.name)
        magic, *_, name_length, extra_length = _LOCAL.unpack_from(self.view, member.header)
        if magic != LOCAL_MAGIC:
            raise UnreadableError("its header is damaged", member=member.name)
        start: int = member.header + _LOCAL.size + name_length + extra_length
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
        if member.size > min(most, _DEFLATE_RATIO * member.stored):
            raise UnreadableError(
                f"claims to inflate to {member.size:,} bytes from {member.stored:,}",
                member=member.name,
            )
        inflated = _inflate(member, raw, member.size + 1)
        if len(inflated) != member.size:
            raise UnreadableError("does not inflate to its size", member=member.name)
        return memoryview(inflated)

    def peek(self, member: Member, nbytes: int) -> memoryview:
        """The member's first bytes, as many as there are up to `nbytes`.

        Raises:
            UnreadableError: as `read`.
        """
        start = self.offset(member)
        raw = self.view[start : start + member.stored]
        if member.method == _STORED:
            return raw[:nbytes]
        return memoryview(_inflate(member, raw, nbytes))


def _inflate(member: Member, raw: memoryview, most: int) -> bytes:
    if member.method != _DEFLATED:
        raise UnreadableError(
            f"is compressed by method {member.method}, which PyTorch does not read",
            member=member.name,
        )
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, most)
    except zlib.error as error:
        raise UnreadableError("its compressed bytes are damaged", member=member.name) from error


def _directory(view: memoryview) -> Iterator[Member]:
    start, nbytes = _locate_directory(view)
    at, end = start, start + nbytes
    count = 0
    while at < end:
        if at + _CENTRAL.size > len(view) or bytes(view[at : at + 4]) != b"PK\x01\x02":
            raise UnreadableError("the zip archive's directory is damaged", offset=at)
        count += 1
        if count > MAX_MEMBERS:
            raise UnreadableError(f"the zip archive has more than {MAX_MEMBERS:,} members")
        member, at = _entry(view, at)
        yield member


def _locate_directory(view: memoryview) -> tuple[int, int]:
    """Offset and size of the central directory."""
    tail_start = max(len(view) - (_END.size + 0xFFFF), 0)
    tail = bytes(view[tail_start:])
    found = tail.rfind(b"PK\x05\x06", 0, len(tail) - _END.size + 4)
    if found < 0:
        raise UnreadableError(
            "truncated: the zip archive has no directory at its end",
            help="fetch the file again",
        )
    at = tail_start + found
    *_, nbytes, offset, _ = _END.unpack_from(view, at)
    if 0xFFFFFFFF in (nbytes, offset):
        nbytes, offset = _locate_directory_64(view, at)
    if offset + nbytes > at:
        raise UnreadableError("the zip archive's directory reaches past its end", offset=at)
    return offset, nbytes


def _locate_directory_64(view: memoryview, end: int) -> tuple[int, int]:
    damaged = UnreadableError("the zip archive's 64-bit directory is damaged", offset=end)
    locator = end - _END_64_LOCATOR.size
    if locator < 0:
        raise damaged
    magic, _, at, _ = _END_64_LOCATOR.unpack_from(view, locator)
    if magic != b"PK\x06\x07" or at + _END_64.size > len(view):
        raise damaged
    magic, *_, nbytes, offset = _END_64.unpack_from(view, at)
    if magic != b"PK\x06\x06":
        raise damaged
    return nbytes, offset


def _entry(view: memoryview, at: int) -> tuple[Member, int]:
    fields = _CENTRAL.unpack_from(view, at)
    method, stored, size = fields[4], fields[8], fields[9]
    name_length, extra_length, comment_length = fields[10:13]
    header = fields[16]
    name_at = at + _CENTRAL.size
    extra_at = name_at + name_length
    extra = bytes(view[extra_at : extra_at + extra_length])
    size, stored, header = _widen(extra, [size, stored, header])
    name = bytes(view[name_at:extra_at]).decode("utf-8", "backslashreplace")
    return Member(name, header, stored, size, method), extra_at + extra_length + comment_length


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
