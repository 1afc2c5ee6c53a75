"""Tar archives as Python's tarfile reads them: ustar, GNU and pax headers, sparse files.

For whoever searches bytes without knowing what will load them::

    if is_tar(view):
        tar = walk(view)                          # never raises
        for entry in tar.entries:                 # what Python reads, and what it stops before
            content = entry.content(view, most)   # never raises; .view, .problem
            entry.mapped                          # whether they lie at `entry.offset` as they are
        tar.gaps                                  # (start, end) of data that belong to no member
        tar.problems                              # (offset, what is wrong there)

Format: POSIX.1-2001, pax; GNU tar manual, "Basic Tar Format"; CPython, `Lib/tarfile.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from modlint.errors import UnreadableError
from modlint_plugins.archives.tar.entry import TarContent, TarEntry
from modlint_plugins.archives.tar.header import BLOCK, is_header
from modlint_plugins.archives.tar.members import HeaderReader

MAX_MEMBERS = 100_000
_MAX_PROBLEMS = 100
_PIECE = 1 << 16


class Tar(Struct):
    """What a tar archive holds.

    Attributes:
        entries: its members, in the archive's order.
        gaps: where bytes other than zeros start and end that belong to no member.
        problems: what is wrong, and at which offset.
    last: offset where Python's reading ends: at a block of zeros, at damage, or at the end.
    """

    entries: list[TarEntry] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    last: int = 0


def is_tar(view: memoryview) -> bool:
    """Whether bytes begin with a tar header: the mark, or a right checksum."""
    block = bytes(view[:BLOCK])
    return block[257:262] == b"ustar" or is_header(block)


def walk(view: memoryview) -> Tar:
    """Every member; behind damage and zeros, where Python ends, whatever goes on as a header."""
    tar = Tar(last=len(view))
    state = HeaderReader(view)
    at = 0
    stopped = False
    while at < len(view):
        if len(tar.entries) >= MAX_MEMBERS or len(tar.problems) >= _MAX_PROBLEMS:
            tar.problems.append((at, f"has more than {MAX_MEMBERS:,} members, or much damage"))
            tar.gaps += _data(view, at, len(view))
            break
        damaged, following = _step(tar, state, at)
        if damaged is not None:
            tar.last = tar.last if stopped else damaged
            stopped = True
            following = state.seek(damaged + BLOCK)
            tar.gaps += _data(view, damaged, following)
        at = following
    return tar


def _step(tar: Tar, state: HeaderReader, at: int) -> tuple[int | None, int]:
    """Read a member: where reading cannot go on, if it cannot, and the offset behind it."""
    if not any(state.view[at : at + BLOCK]):
        return at, at
    try:
        entry, following = state.next_member(at)
    except UnreadableError as error:
        tar.problems.append((state.at, f"has a damaged header: {error}"))
        return state.at, at
    except ValueError:
        tar.problems.append((state.at, "has a damaged header: a number or checksum is wrong"))
        return state.at, at
    tar.entries.append(entry)
    if entry.offset + entry.stored > len(state.view):
        tar.problems.append((entry.header, "is truncated in a member"))
        tar.last = min(tar.last, entry.header)
        following = state.seek(entry.offset)
    return None, following


def _data(view: memoryview, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The part of a range without the zeros before it, if there is one."""
    for at in range(start, end, _PIECE):
        piece = bytes(view[at : min(at + _PIECE, end)])
        if found := piece.lstrip(b"\0"):
            yield at + len(piece) - len(found), end
            return


__all__ = ["Tar", "TarContent", "TarEntry", "is_tar", "walk"]
