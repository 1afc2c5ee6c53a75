"""Where a zip archive's directory may lie, and the members that it lists.

Layout: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3. Loaders differ in which end record they
believe and from where they count: `directories` gives every place that one of them looks at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from modlint.errors import UnreadableError

LOCAL_MAGIC = b"PK\x03\x04"
END_MAGIC = b"PK\x05\x06"
CENTRAL_MAGIC = b"PK\x01\x02"
END_64_MAGIC = b"PK\x06\x06"
MAX_MEMBERS = 100_000

END = struct.Struct("<4s4H2IH")  # magic, disks, entries, directory size and offset, comment
END_64_LOCATOR = struct.Struct("<4sIQI")
END_64 = struct.Struct("<4sQ2H2I4Q")
CENTRAL = struct.Struct("<4s6H3I5H2I")
LOCAL = struct.Struct("<4s5H3I2H")
_LOCATOR_64_MAGIC = b"PK\x06\x07"
_TAIL = END.size + (1 << 16) + 4096
"""Bytes from the end in which an end record is looked for: miniz reads whole pieces of 4096."""
_MAX_ENDS = 4
_UTF_8 = 0x800
_WIDE_SIZES, _UNICODE_PATH = 0x0001, 0x7075
_STAND_INS = ("?", "_", "#U")
"""What archivers write for letters that a name cannot hold."""


class Directory(NamedTuple):
    """A central directory.

    Attributes:
        start: offset of its first record in the bytes.
        nbytes: its size.
        shift: what is added to the offsets that it states.
        end: offset of the end record that leads to it.
    """

    start: int
    nbytes: int
    shift: int
    end: int


class Member(Struct, frozen=True):
    """An entry of the central directory.

    Attributes:
        name: its path in the archive.
        header: offset of its local header in the bytes.
        stored: bytes that it takes in the archive.
        size: bytes that it holds.
        method: 0 stored, 8 deflated, 12 bzip2, 14 LZMA, 93 Zstandard.
        flags: general purpose bits of the central directory.
        crc32: checksum of what it holds.
        record: offset of its record in the central directory.
        alias: another path that some readers take it for, None where there is none.
    """

    name: str
    header: int
    stored: int
    size: int
    method: int
    flags: int = 0
    crc32: int = 0
    record: int = 0
    alias: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether the directory says so; PyTorch reads the bytes as they are all the same."""
        return bool(self.flags & 0x1)

    @property
    def names(self) -> tuple[str, ...]:
        """Every path that a reader takes it for."""
        return (self.name,) if self.alias is None else (self.name, self.alias)


def last_end(tail: bytes) -> int:
    """Offset of the last end record that is whole, −1 where there is none."""
    return tail.rfind(END_MAGIC, 0, max(len(tail) - END.size + len(END_MAGIC), 0))


def find_end(view: memoryview) -> int:
    """Offset of the end of central directory record, the last one there is.

    Raises:
        UnreadableError: there is none.
    """
    tail_start = max(len(view) - _TAIL, 0)
    tail = bytes(view[tail_start:])
    found = last_end(tail)
    if found < 0:
        raise UnreadableError(
            "truncated: the zip archive has no directory at its end",
            help="fetch the file again",
        )
    return tail_start + found


def pytorch_directory(view: memoryview) -> Directory:
    """The directory that PyTorch reads.

    Where there is a 64-bit end record, PyTorch believes it, whatever the other says.

    Raises:
        UnreadableError: there is none, or it does not lie within the bytes.
    """
    end = find_end(view)
    *_, nbytes, start, _ = END.unpack_from(view, end)
    if 0xFFFFFFFF in (nbytes, start) or _has_locator(view, end):
        start, nbytes = _located(view, end)
    if start + nbytes > len(view):
        raise UnreadableError("the zip archive's directory reaches past its end", offset=end)
    return Directory(start, nbytes, 0, end)


def directories(view: memoryview) -> Iterator[Directory]:
    """Every place where a reader may look for the directory, PyTorch's first; none is checked.

    Sources: miniz 3.0, `mz_zip_reader_read_central_dir`; CPython 3.11 to 3.14, `zipfile`,
    `_EndRecData` and `_RealGetContents`.
    """
    seen = set()
    for end in _ends(view):
        for record, start, nbytes in _records(view, end):
            before = record - nbytes
            found = [Directory(start, nbytes, 0, end)]
            # zipfile never counts back from an end record that a 64-bit one stands before
            if record != end or not _has_record_64(view, end):
                found.append(Directory(before, nbytes, before - start, end))
            for directory in found:
                inside = directory.start >= 0 and directory.start + nbytes <= len(view)
                if inside and directory[:3] not in seen:
                    seen.add(directory[:3])
                    yield directory


def entries(view: memoryview, directory: Directory) -> Iterator[Member]:
    """The members that a directory lists, in its order.

    Raises:
        UnreadableError: it is damaged.
    """
    at, end = directory.start, directory.start + directory.nbytes
    count = 0
    while at < end:
        if at + CENTRAL.size > len(view) or bytes(view[at : at + 4]) != CENTRAL_MAGIC:
            raise UnreadableError("the zip archive's directory is damaged", offset=at)
        count += 1
        if count > MAX_MEMBERS:
            raise UnreadableError(f"the zip archive has more than {MAX_MEMBERS:,} members")
        member, at = _entry(view, at, directory.shift)
        yield member


def _ends(view: memoryview) -> Iterator[int]:
    """Offsets of end records: the last one, and those between it and what it calls the directory.

    An archive that is a member of this one has an end record too, which lies before.
    """
    try:
        end = find_end(view)
    except UnreadableError:
        return
    yield end
    behind = [start + nbytes for _, start, nbytes in _records(view, end) if start + nbytes <= end]
    first = max([end - _TAIL, 0, *behind])
    between = bytes(view[first:end])
    for _ in range(_MAX_ENDS):
        found = between.rfind(END_MAGIC)
        if found < 0:
            return
        if first + found + END.size <= len(view):
            yield first + found
        between = between[:found]


def _records(view: memoryview, end: int) -> Iterator[tuple[int, int, int]]:
    """Offset of each record that describes a directory, and the offset and size that it states."""
    locator = end - END_64_LOCATOR.size
    if _has_locator(view, end):
        stated = END_64_LOCATOR.unpack_from(view, locator)[2]
        for at in dict.fromkeys((stated, locator - END_64.size)):
            if 0 <= at <= len(view) - END_64.size and bytes(view[at : at + 4]) == END_64_MAGIC:
                *_, nbytes, start = END_64.unpack_from(view, at)
                yield at, start, nbytes
    *_, nbytes, start, _ = END.unpack_from(view, end)
    yield end, start, nbytes


def _has_locator(view: memoryview, end: int) -> bool:
    locator = end - END_64_LOCATOR.size
    return locator >= 0 and bytes(view[locator : locator + 4]) == _LOCATOR_64_MAGIC


def _has_record_64(view: memoryview, end: int) -> bool:
    """Whether a 64-bit end record stands where zipfile looks for it."""
    at = end - END_64_LOCATOR.size - END_64.size
    return _has_locator(view, end) and at >= 0 and bytes(view[at : at + 4]) == END_64_MAGIC


def _located(view: memoryview, end: int) -> tuple[int, int]:
    """Offset and size of the directory, of the 64-bit record."""
    damaged = UnreadableError("the zip archive's 64-bit directory is damaged", offset=end)
    if not _has_locator(view, end):
        raise damaged
    at = END_64_LOCATOR.unpack_from(view, end - END_64_LOCATOR.size)[2]
    if at + END_64.size > len(view):
        raise damaged
    magic, *_, nbytes, start = END_64.unpack_from(view, at)
    if magic != END_64_MAGIC:
        raise damaged
    return start, nbytes


def _entry(view: memoryview, at: int, shift: int) -> tuple[Member, int]:
    fields = CENTRAL.unpack_from(view, at)
    flags, method, crc32, stored, size = *fields[3:5], *fields[7:10]
    name_length, extra_length, comment_length = fields[10:13]
    header = fields[16]
    name_at = at + CENTRAL.size
    extra_at = name_at + name_length
    raw = bytes(view[name_at:extra_at])
    extra = bytes(view[extra_at : extra_at + extra_length])
    size, stored, header = _widen(extra, [size, stored, header])
    name = raw.decode("utf-8", "backslashreplace")
    end = extra_at + extra_length + comment_length
    alias = _alias(raw, name, flags, extra)
    return Member(name, header + shift, stored, size, method, flags, crc32, at, alias), end


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The kinds and data of extra fields; what is left over is of kind 0."""
    at = 0
    while at + 4 <= len(extra):
        kind, nbytes = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + nbytes]
        at += 4 + nbytes
    if extra[at:].strip(b"\0"):
        yield 0, extra[at:]


def _widen(extra: bytes, fields: list[int]) -> list[int]:
    """The fields with those that do not fit in 32 bits taken from the zip64 extra."""
    for kind, data in extra_fields(extra):
        if kind == _WIDE_SIZES:
            wide = iter(struct.unpack_from(f"<{len(data) // 8}Q", data))
            return [next(wide, field) if field == 0xFFFFFFFF else field for field in fields]
    return fields


def _alias(raw: bytes, name: str, flags: int, extra: bytes) -> str | None:
    """What Python takes the member for, where that is another name than PyTorch's.

    Python ends names at a NUL byte and, since 3.13, believes the Unicode path. Where the name is
    only that path in the letters that old archivers had, both mean the same.
    """
    legacy = name if raw.isascii() or flags & _UTF_8 else raw.decode("cp437")
    alias = legacy
    for kind, data in extra_fields(extra):
        if kind == _UNICODE_PATH and data[:1] == b"\x01":
            alias = data[5:].decode("utf-8", "backslashreplace") or alias
    transcribed = not raw.isascii() or any(stand_in in name for stand_in in _STAND_INS)
    if alias in (name, legacy) or (transcribed and not alias.isascii()):
        alias = name
    alias = alias.partition("\0")[0]
    return None if alias == name else alias
