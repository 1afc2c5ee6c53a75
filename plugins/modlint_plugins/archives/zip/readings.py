"""A zip archive as each loader reads it.

For whoever searches bytes without knowing what will load them::

    for archive in readings(view):          # () where the bytes are no archive to any loader
        for member in archive.entries:      # header, record: offsets in `view`
            member.names                    # every path that a reader takes it for
            content = archive.content(member, most)   # never raises; .view, .problem
            origin = archive.offset(member) if archive.mapped(member) else None   # may raise
    chain.chain(view)                       # archives that stand one behind the other

The first reading is PyTorch's where it has one. `distinct(readings)` leaves out members that an
earlier reading has too. `reading_remarks` says where they differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modlint.checkpoint import Remark
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.directory import Directory, directories
from modlint_plugins.archives.zip.methods import PYTHON


def readings(view: memoryview) -> tuple[Archive, ...]:
    """Every way in which the bytes are an archive to some loader; PyTorch's first.

    The loaders are PyTorch (miniz: the directory at the offset that is stated), Python's zipfile
    (the directory just before its end record, offsets counted from there) and both their ways to
    find a 64-bit record. Readings of the same members are one, and empty ones count where there is
    no other. A directory that is damaged, or over a limit, is read that far: see `problem`.
    """
    found: dict[frozenset[tuple[object, ...]], Archive] = {}
    for directory in directories(view):
        archive = _archive(view, directory)
        if archive is not None:
            found.setdefault(frozenset(_facts(member) for member in archive.entries), archive)
    listed = tuple(archive for archive in found.values() if archive.entries)
    return listed or tuple(found.values())


def distinct(archives: Iterable[Archive]) -> Iterator[tuple[Archive, Member]]:
    """The members of several readings, each once."""
    seen = set()
    for archive in archives:
        for member in archive.entries:
            fact = (member.record, _facts(member))
            if fact not in seen:
                seen.add(fact)
                yield archive, member


def reading_remarks(archive: Archive) -> Iterator[Remark]:
    """How other loaders read an archive than this one does."""
    own = {_facts(member) for member in archive.entries}
    for other in readings(archive.view):
        theirs = {_facts(member) for member in other.entries}
        if theirs == own:
            continue
        if other.directory.start == archive.directory.start:
            kind, what = "ambiguous-archive", "finds other bytes behind the same directory"
        else:
            kind, what = "second-directory", "reads another directory, which lists other members"
        message = f"loaders differ in how they read the zip archive: one of them {what}"
        yield Remark(kind, message, offset=other.directory.start)


def _archive(view: memoryview, directory: Directory) -> Archive | None:
    archive = Archive(view, directory, PYTHON, partial=True)
    # A directory at the right place whose offsets are wrong is nobody's reading.
    if archive.entries and not any(map(archive.has_header, archive.entries)):
        return None
    return archive if archive.entries or archive.problem is None else None


def _facts(member: Member) -> tuple[object, ...]:
    return (member.names, member.header, member.stored, member.size, member.method)
