"""One block of a tar archive as Python's tarfile reads it: its fields, and extended headers.

Source: CPython 3.11 to 3.13, `Lib/tarfile.py`: `nti`, `TarInfo.frombuf`, `TarInfo._proc_pax`,
`TarInfo._proc_sparse`. Numbers go through `int`, which takes signs, blanks and underscores.
"""

from __future__ import annotations

import re

from msgspec import Struct

from modlint.errors import UnreadableError

BLOCK = 512
REGULAR = b"0\x007S"
"""Types that are files."""
KNOWN = b"01234567LKS\0"
"""Types with a meaning of their own; any other is read as a file."""
LINKS = b"12"
EXTENSIONS = b"xXgLK"
"""Types that say something of the member behind them."""
_PAX_RECORD = re.compile(rb"(\d{1,20}) ([^=]{1,4096})=")
_MAX_RECORDS = 10_000
_SPARSE_IN_HEADER, _SPARSE_IN_BLOCK = 4, 21

SparseMap = tuple[tuple[int, int], ...]
"""Runs of a file's bytes, each an offset in the file and a number of bytes; zeros lie between."""


class Header(Struct, frozen=True):
    """The fields of a member's header.

    Attributes:
        name: its path.
        kind: its type, one byte.
        nbytes: bytes that follow, before they are filled up to whole blocks.
        link: the path that it links to.
        sparse: of the old GNU type for sparse files: the runs, whether more blocks of them
            follow, and the size of the file.
    """

    name: str
    kind: bytes
    nbytes: int
    link: str
    sparse: tuple[SparseMap, bool, int] | None = None


def is_header(block: bytes) -> bool:
    """Whether a block's checksum is right."""
    try:
        return len(block) == BLOCK and any(block) and _is_summed(block)
    except ValueError:
        return False


def parse(block: bytes) -> Header:
    """A header's fields.

    Raises:
        ValueError: the checksum or a number is wrong, so that Python does not read on.
    """
    if not _is_summed(block):
        raise ValueError("its checksum is wrong")
    fields = [number(block[at:end]) for at, end in _NUMBERS]
    nbytes = fields[3]
    kind, name = block[156:157], text(block[:100])
    if nbytes < 0:
        raise ValueError("its size is negative")
    if kind == b"\0" and name.endswith("/"):
        kind = b"5"
    if kind == b"5":
        name = name.rstrip("/")
    prefix = text(block[345:500])
    if prefix and kind not in b"LKS":
        name = f"{prefix}/{name}"
    return Header(name, kind, nbytes, text(block[157:257]), _old_sparse(block, kind))


_NUMBERS = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148), (329, 337), (337, 345))
"""Where mode, owner, group, size, time and device stand: a wrong one ends Python's reading."""


def number(raw: bytes) -> int:
    """A number field: octal text, or one of base 256.

    Raises:
        ValueError: it is neither.
    """
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    if raw[:1] == b"\xff":
        return int.from_bytes(raw[1:], "big") - (1 << 8 * (len(raw) - 1))
    return int(raw.partition(b"\0")[0].decode("ascii").strip() or "0", 8)


def text(raw: bytes) -> str:
    """Text up to the first NUL byte."""
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def blocks(nbytes: int) -> int:
    """A size, filled up to whole blocks."""
    return -(-nbytes // BLOCK) * BLOCK


def more_sparse(block: bytes) -> tuple[SparseMap, bool]:
    """The runs of a further block of an old sparse header, and whether another follows."""
    return _runs(block, 0, _SPARSE_IN_BLOCK, skip_empty=True), bool(block[504:505].strip(b"\0"))


def pax_records(raw: bytes, at: int) -> list[tuple[str, str]]:
    """The keywords and values of a pax header, as Python 3.11 reads it.

    Later releases refuse what does not go on as it should.

    Raises:
        UnreadableError: there are more than anyone writes.
    """
    records: list[tuple[str, str]] = []
    place = 0
    while (match := _PAX_RECORD.match(raw, place)) and (length := int(match[1])):
        if len(records) >= _MAX_RECORDS:
            raise UnreadableError(f"a pax header has more than {_MAX_RECORDS:,} records", offset=at)
        value = raw[match.end() : max(match.start() + length - 1, match.end())]
        records.append((_decoded(match[2]), _decoded(value)))
        place += length
    return records


def listed(raw: bytes, keyword: bytes) -> list[int]:
    """The numbers that a pax header gives for a keyword, as Python 3.11 finds them."""
    pattern = rb"\d+ " + keyword + rb"=(\d{1,20})\n"
    return [int(found) for found in re.findall(pattern, raw)]


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _is_summed(block: bytes) -> bool:
    """Whether the checksum is the sum of the bytes, unsigned or signed, itself taken as spaces."""
    stated = number(block[148:156])
    counted = block[:148] + block[156:]
    unsigned = 8 * ord(" ") + sum(counted)
    return stated in (unsigned, unsigned - 256 * sum(byte > 127 for byte in counted))


def _old_sparse(block: bytes, kind: bytes) -> tuple[SparseMap, bool, int] | None:
    if kind != b"S":
        return None
    runs = _runs(block, 386, _SPARSE_IN_HEADER, skip_empty=False)
    return runs, block[482] != 0, number(block[483:495])


def _runs(block: bytes, at: int, count: int, *, skip_empty: bool) -> SparseMap:
    runs: list[tuple[int, int]] = []
    for place in range(at, at + 24 * count, 24):
        try:
            run = number(block[place : place + 12]), number(block[place + 12 : place + 24])
        except ValueError:
            break
        if all(run) or not skip_empty:
            runs.append(run)
    return tuple(runs)
