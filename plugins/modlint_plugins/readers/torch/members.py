"""The entries of a zip archive as rules and analyses see them."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from modlint import checkpoint
from modlint.checkpoint import Remark
from modlint.errors import UnreadableError
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.audit import audit
from modlint_plugins.archives.zip.readings import readings
from modlint_plugins.readers.torch.reading import Reading


def note_archive(
    reading: Reading, archive: Archive, within: str | None = None, origin: int | None = 0
) -> None:
    """Keep an archive's members, and what is odd about its structure; arguments as `members`."""
    reading.members += members(archive, within, origin)
    for remark in audit(archive):
        reading.remarks.add(_placed(remark, within, origin))
    for other in readings(archive.view):
        if other.problem is not None:
            reading.fault("damaged-directory", str(other.problem), within)


def _placed(remark: Remark, within: str | None, origin: int | None) -> Remark:
    """A remark on an archive within another file, told from there."""
    if within is None:
        return remark
    member = within if remark.member is None else f"{within}!{remark.member}"
    if remark.file_offset is None or origin is None:
        return replace(remark, member=member, file_offset=None)
    return replace(remark, member=member, file_offset=origin + remark.file_offset)


def members(
    archive: Archive, within: str | None = None, origin: int | None = 0
) -> tuple[checkpoint.Member, ...]:
    """Every entry of an archive, folders included.

    Args:
        archive: the archive.
        within: name of what holds it, None for the file itself.
        origin: offset of the archive in the file, None where the file does not hold it as it is.
    """
    return tuple(_member(archive, entry, within, origin) for entry in archive.entries)


def _member(
    archive: Archive, entry: Member, within: str | None, origin: int | None
) -> checkpoint.Member:
    try:
        offset = None if origin is None else origin + archive.offset(entry)
    except UnreadableError:
        offset = None
    return checkpoint.Member(
        entry.name if within is None else f"{within}!{entry.name}",
        entry.size,
        entry.stored,
        partial(archive.chunks, entry),
        offset,
        not archive.mapped(entry),
        entry.crc32,
    )
