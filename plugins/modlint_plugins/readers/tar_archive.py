"""Tar archives: ustar, GNU and pax headers, the members mapped.

Format: POSIX.1-2001, pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from modlint.errors import UnreadableError

BLOCK = 512
MAX_MEMBERS = 100_000
_MAX_EXTENDED = 1 << 20
_SPECIAL = b"123456"
"""Links, devices, folders and pipes; readers take any other type for a file."""
_LINKS = b"12"


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A member of a tar archive.

    Attributes:
        name: its path in the archive.
        offset: of its first byte in the archive.
        nbytes: bytes that it holds.
        regular: whether it is a file.
        link: what it links to, None where it is no link.
        header: offset of its header.
    """

    name: str
    offset: int
    nbytes: int
    regular: bool
    link: str | None
    header: int


def is_tar(view: memoryview) -> bool:
    """Whether bytes begin with a tar header whose checksum is right."""
    header = bytes(view[:BLOCK])
    return header[257:262] == b"ustar" or (len(header) == BLOCK and _is_old_header(header))


def tar_entries(view: memoryview) -> Generator[TarEntry, None, int]:
    """The members, in the archive's order; extended headers are applied to what follows them.

    Returns the offset of the block of zeros that ends the archive, or of its end.

    Raises:
        UnreadableError: a header is damaged, or a member is cut off.
    """
    at = count = 0
    extended: dict[str, str] = {}
    while at + BLOCK <= len(view):
        header = bytes(view[at : at + BLOCK])
        if not header.strip(b"\0"):
            return at
        if _number(header[148:156]) not in _checksums(header):
            raise UnreadableError("the tar archive's header is damaged", offset=at)
        count += 1
        if count > MAX_MEMBERS:
            raise UnreadableError(f"the tar archive has more than {MAX_MEMBERS:,} members")
        kind = header[156:157]
        nbytes = _number(header[124:136])
        if kind not in b"xgLK" and "size" in extended:
            nbytes = _decimal(extended["size"])
        start = at + BLOCK
        if nbytes < 0 or start + nbytes > len(view):
            raise UnreadableError("the tar archive is truncated in a member", offset=at)
        if kind in b"xgLK":
            extended |= _extended(kind, view[start : start + nbytes], at)
        else:
            yield _entry(header, extended, kind, at, nbytes)
            extended = {}
        at = start + -(-nbytes // BLOCK) * BLOCK
    return at


def _entry(header: bytes, extended: dict[str, str], kind: bytes, at: int, nbytes: int) -> TarEntry:
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and header[345:500].strip(b"\0"):
        name = f"{_text(header[345:500])}/{name}"
    name = extended.get("path", name)
    link = extended.get("linkpath", _text(header[157:257])) if kind in _LINKS else None
    return TarEntry(name, at + BLOCK, nbytes, kind not in _SPECIAL, link, at)


def _extended(kind: bytes, data: memoryview, at: int) -> dict[str, str]:
    """What an extended header states of the member behind it."""
    if len(data) > _MAX_EXTENDED:
        raise UnreadableError(f"a tar header is longer than {_MAX_EXTENDED:,} bytes", offset=at)
    if kind in b"LK":
        return {"path" if kind == b"L" else "linkpath": _text(bytes(data))}
    stated: dict[str, str] = {}
    raw = bytes(data)
    place = 0
    while place < len(raw):
        length, space, _ = raw[place : place + 24].partition(b" ")
        if not space or not length.isdigit() or not 0 < int(length) <= len(raw) - place:
            break
        record = raw[place + len(length) + 1 : place + int(length)]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        if key in (b"path", b"linkpath", b"size") and kind == b"x":
            stated[key.decode()] = value.decode("utf-8", "backslashreplace")
        place += int(length)
    return stated


def _decimal(text: str) -> int:
    """A decimal number; −1 where it is none, or longer than any size."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _number(raw: bytes) -> int:
    """An octal number, or one of base 256; −1 where it is neither."""
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    try:
        return int(raw.strip(b" \0") or b"0", 8)
    except ValueError:
        return -1


def _checksums(header: bytes) -> tuple[int, int]:
    """Sum of the header's bytes with the checksum as spaces, unsigned and signed."""
    plain = header[:148] + b" " * 8 + header[156:]
    unsigned = sum(plain)
    return unsigned, unsigned - 256 * sum(byte > 127 for byte in plain)


def _is_old_header(header: bytes) -> bool:
    """Whether a block without the ustar mark is a header of Unix version 7."""
    digits = header[148:156].strip(b" \0")
    return bool(header[0]) and len(digits) >= 3 and _number(digits) in _checksums(header)
