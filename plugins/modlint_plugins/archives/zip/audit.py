"""Tricks with a zip archive's structure: what its directory says against what lies there.

Layout: PKWARE APPNOTE 6.3.10. PyTorch's reader believes the directory and checks little; scanners
that believe the local headers, or stop at a flag, see another archive (CVE-2025-1944, -1945).
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator

from msgspec import Struct

from modlint.checkpoint import Remark
from modlint.errors import UnreadableError
from modlint_plugins.archives.zip.archive import Archive
from modlint_plugins.archives.zip.directory import CENTRAL, LOCAL, LOCAL_MAGIC, Member, extra_fields
from modlint_plugins.archives.zip.layout import layout_remarks

_ENCRYPTED = 0x1
_PATCHED = 0x20
_STRONG = 0x40
_DESCRIPTOR = 0x8
_FLAGS = (
    (_ENCRYPTED, "encrypted-member", "is marked as encrypted (flag 0x1)"),
    (_PATCHED, "odd-flags", "is marked as patch data (flag 0x20)"),
    (_STRONG, "odd-flags", "is marked as strongly encrypted (flag 0x40)"),
)
_UNIX = 3
_FOLDER = 0x10
"""MS-DOS attribute; miniz takes such an entry for one without bytes."""
_PADDING = 0x4246
_KNOWN_EXTRAS = frozenset({0x0001, 0x000A, 0x5455, 0x5855, 0x6375, 0x7075, 0x7875, 0xCAFE})
"""zip64, NTFS and Unix times and owners, Unicode names, Java's mark."""

_ARCHIVES = (
    (LOCAL_MAGIC, "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
)


class _Local(Struct, frozen=True):
    """What a member's local header says."""

    flags: int
    method: int
    crc32: int
    stored: int
    size: int
    name: str
    extra: bytes


def audit(archive: Archive) -> Iterator[Remark]:
    """What is odd about an archive; offsets count from its first byte."""
    for name in archive.duplicates:
        yield Remark("duplicate-member", f"several members are called {name!r}", name)
    for member in archive.entries:
        yield from _entry_remarks(archive, member)
        try:
            local = _local(archive.view, member)
        except UnreadableError:
            continue  # the reader reports it where it reads the member
        yield from _local_remarks(member, local)
    yield from layout_remarks(archive)


def _entry_remarks(archive: Archive, member: Member) -> Iterator[Remark]:
    if member.alias is not None:
        what = f"is called {member.alias!r} by readers that take its Unicode path or end it at NUL"
        yield _remark("name-mismatch", what, member, member.record)
    for bit, kind, what in _FLAGS:
        if member.flags & bit:
            yield _remark(kind, f"{what}; PyTorch reads it all the same", member, member.record)
    fields = CENTRAL.unpack_from(archive.view, member.record)
    if fields[12]:
        what = f"has a comment of {fields[12]:,} bytes"
        yield _remark("extra-field", what, member, member.record)
    if fields[15] & _FOLDER and member.size:
        what = "is marked as a folder: PyTorch reads none of its bytes, and leaves its memory unset"
        yield _remark("folder-member", what, member, member.record)
    system, mode = fields[1] >> 8, fields[15] >> 16
    if system == _UNIX and stat.S_ISLNK(mode):
        yield _remark("symlink-member", "is a symbolic link", member, member.record)
    try:
        start = bytes(archive.peek(member, 8))
    except UnreadableError:
        return
    for magic, kind in _ARCHIVES:
        if start.startswith(magic):
            yield _remark(
                "nested-zip" if kind == "zip" else "nested-archive",
                f"is itself a {kind} archive",
                member,
                member.header,
            )


def _local_remarks(member: Member, local: _Local) -> Iterator[Remark]:
    if local.name != member.name:
        what = f"is called {local.name!r} in its own header"
        yield _remark("name-mismatch", what, member, member.header)
    for bit, kind, what in _FLAGS:
        if local.flags & bit and not member.flags & bit:
            yield _remark(kind, f"{what} in its own header", member, member.header)
    differing = [
        what
        for what, there, here in (
            ("method", member.method, local.method),
            ("checksum", member.crc32, local.crc32),
            ("stored size", member.stored, local.stored),
            ("size", member.size, local.size),
        )
        if there != here and not (_later(local) and what != "method" and not here)
    ]
    if differing:
        what = f"has another {' and '.join(differing)} in its own header"
        yield _remark("header-mismatch", what, member, member.header)
    for tag, data in extra_fields(local.extra):
        if not _is_plain(tag, data):
            what = f"hides {len(data):,} bytes in an extra field of its header"
            yield _remark("extra-field", what, member, member.header)


def _later(local: _Local) -> bool:
    """Whether the header leaves sizes and checksum to what follows the data."""
    return bool(local.flags & _DESCRIPTOR)


def _is_plain(kind: int, data: bytes) -> bool:
    """Whether an extra field is one that writers use; padding repeats one byte."""
    if kind == _PADDING:
        return len(set(data)) <= 1
    return kind in _KNOWN_EXTRAS and len(data) <= 1024


def _local(view: memoryview, member: Member) -> _Local:
    if not 0 <= member.header <= len(view) - LOCAL.size:
        raise UnreadableError("its header lies outside of the file", member=member.name)
    fields = LOCAL.unpack_from(view, member.header)
    if fields[0] != LOCAL_MAGIC:
        raise UnreadableError("its header is damaged", member=member.name)
    flags, method, crc32, stored, size = *fields[2:4], *fields[6:9]
    name_at = member.header + LOCAL.size
    extra_at = name_at + fields[9]
    name = bytes(view[name_at:extra_at]).decode("utf-8", "backslashreplace")
    extra = bytes(view[extra_at : extra_at + fields[10]])
    for kind, data in extra_fields(extra):
        if kind == 1:  # zip64: the size first, then the stored size
            wide = iter(struct.unpack_from(f"<{len(data) // 8}Q", data))
            size = next(wide, size) if size == 0xFFFFFFFF else size
            stored = next(wide, stored) if stored == 0xFFFFFFFF else stored
    return _Local(flags, method, crc32, stored, size, name, extra)


def _remark(kind: str, what: str, member: Member, offset: int) -> Remark:
    return Remark(kind, f"member {member.name!r} {what}", member.name, 0, file_offset=offset)
