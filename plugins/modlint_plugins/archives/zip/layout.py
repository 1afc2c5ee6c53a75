"""What lies between, before and after the members of a zip archive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modlint.checkpoint import Remark
from modlint.errors import UnreadableError
from modlint_plugins.archives.zip.archive import Archive
from modlint_plugins.archives.zip.directory import (
    END,
    END_64,
    END_64_LOCATOR,
    END_64_MAGIC,
    END_MAGIC,
    LOCAL_MAGIC,
    Member,
)
from modlint_plugins.archives.zip.readings import reading_remarks
from modlint_plugins.remarks import unused

_DESCRIPTOR_FLAG = 0x8
_DESCRIPTOR_MAGIC = b"PK\x07\x08"
_DESCRIPTORS = (16, 24)
"""Sizes of what follows a member's data: magic, checksum, both sizes in 4 or 8 bytes."""
_SIGNATURE = b"PK\x05\x05"


class _Span(NamedTuple):
    start: int
    end: int
    member: Member


def layout_remarks(archive: Archive) -> Iterator[Remark]:
    """Bytes that belong to no member, and members that share theirs."""
    spans = _spans(archive)
    directory, nbytes, *_ = archive.directory
    at = spans[0].start if spans else directory
    if at:
        yield unused(
            archive.view, "leading-bytes", "stand before the zip archive's first member", 0, at
        )
    previous: _Span | None = None
    for span in spans:
        if previous is not None and span.start < at:
            yield Remark(
                "overlapping-members",
                f"members {previous.member.name!r} and {span.member.name!r} share bytes",
                span.member.name,
                0,
                file_offset=span.start,
            )
        elif span.start > at:
            yield from _gap(archive, at, span.start)
        if span.end > at or previous is None:
            at, previous = max(at, span.end), span
    if at < directory:
        yield from _gap(archive, at, directory)
    elif at > directory:
        yield Remark(
            "overlapping-members", "the directory shares bytes with a member", offset=directory
        )
    yield from _end_remarks(archive, directory + nbytes)
    yield from reading_remarks(archive)


def _spans(archive: Archive) -> list[_Span]:
    spans = []
    for member in archive.entries:
        try:
            end = archive.offset(member) + member.stored
        except UnreadableError:
            continue
        spans.append(_Span(member.header, end + _descriptor(archive.view, member, end), member))
    return sorted(spans, key=lambda span: span[:2])


def _descriptor(view: memoryview, member: Member, at: int) -> int:
    """Size of the data descriptor that follows a member's data."""
    if not member.flags & _DESCRIPTOR_FLAG:
        return 0
    marked = bytes(view[at : at + 4]) == _DESCRIPTOR_MAGIC
    checksum = at + 4 if marked else at
    if int.from_bytes(view[checksum : checksum + 4], "little") != member.crc32:
        return 0
    for nbytes in _DESCRIPTORS:
        end = at + nbytes - (0 if marked else 4)
        half = (nbytes - 8) // 2
        if int.from_bytes(view[end - half : end], "little") == member.size:
            return end - at
    return 0


def _gap(archive: Archive, start: int, end: int) -> Iterator[Remark]:
    view = archive.view
    if bytes(view[start : start + 4]) == LOCAL_MAGIC:
        what = "hold a member that the directory does not list"
        yield Remark("unlisted-member", f"{end - start:,} bytes {what}", offset=start)
    elif _holds_data(view, start, end):
        yield unused(view, "gap", "between members belong to none", start, end)


def _end_remarks(archive: Archive, directory_end: int) -> Iterator[Remark]:
    view, end = archive.view, archive.end
    if directory_end > end:
        message = "the zip archive's directory lies behind the record that ends it"
        yield Remark("second-directory", message, offset=archive.directory.start)
        directory_end = end
    wide = END_64.size + END_64_LOCATOR.size
    records = bytes(view[directory_end : directory_end + 4])
    known = wide if records == END_64_MAGIC and directory_end + wide <= end else 0
    if records == _SIGNATURE:
        known = end - directory_end
    if directory_end + known < end and _holds_data(view, directory_end + known, end):
        start = directory_end + known
        yield unused(view, "gap", "lie between the directory and its end record", start, end)
    entries, comment = END.unpack_from(view, end)[4], END.unpack_from(view, end)[7]
    if archive.problem is None and entries not in (0xFFFF, len(archive.entries) & 0xFFFF):
        message = f"the zip archive's end record counts {entries:,} members, its directory lists "
        yield Remark("wrong-count", f"{message}{len(archive.entries):,}", offset=end)
    tail = end + END.size
    if comment:
        yield unused(view, "extra-field", "are the zip archive's comment", tail, tail + comment)
    if tail + comment < len(view) and _holds_data(view, tail + comment, len(view)):
        start = tail + comment
        yield unused(view, "trailing-bytes", "follow the zip archive", start, len(view))
    before = bytes(view[max(end - 0xFFFF - END.size, directory_end + known) : end])
    if END_MAGIC in before or _contradicts(archive):
        message = "the zip archive has two end records; readers differ in which they believe"
        yield Remark("second-directory", message, offset=end)


def _contradicts(archive: Archive) -> bool:
    """Whether the 32-bit end record describes another directory than the 64-bit one."""
    *_, nbytes, offset, _ = END.unpack_from(archive.view, archive.end)
    start, size, shift, _ = archive.directory
    stated = ((offset, start - shift), (nbytes, size))
    return any(narrow not in (0xFFFFFFFF, wide) for narrow, wide in stated)


def _holds_data(view: memoryview, start: int, end: int) -> bool:
    """Whether bytes are anything but zeros."""
    return any(
        bytes(view[at : min(at + 65536, end)]).strip(b"\0") for at in range(start, end, 65536)
    )
