"""Zip archives that stand one behind the other in a file, as distributed checkpoints hold them.

An archive's directory states its offset from the archive's own beginning: where it lies further
on in the file, something stands before the archive.
"""

from __future__ import annotations

from typing import NamedTuple

from modlint_plugins.archives.zip.directory import END, END_64, LOCAL_MAGIC, MAX_MEMBERS, last_end

_TAIL_64 = 76
"""Bytes of the zip64 records between a directory and its end record, as PyTorch writes them."""


class Span(NamedTuple):
    """Bytes of an archive: from its first to behind its last, and where its directory lies."""

    start: int
    end: int
    directory: int


def is_chain(view: memoryview) -> bool:
    """Whether something stands before the last archive."""
    last = _last(view, len(view))
    return last is not None and last.start > 0


def chain(view: memoryview) -> tuple[tuple[Span, ...], int]:
    """The archives, first to last, and the number of bytes before them that belong to none."""
    spans: list[Span] = []
    end = len(view)
    while end and len(spans) < MAX_MEMBERS:
        found = _last(view, end)
        if found is None:
            break
        spans.append(found)
        end = found.start
    return tuple(reversed(spans)), end


def _last(view: memoryview, end: int) -> Span | None:
    """The archive that ends at an offset, or shortly before where a comment or padding follows."""
    tail_start = max(end - (END.size + 0xFFFF), 0)
    tail = bytes(view[tail_start:end])
    at = last_end(tail)
    if at < 0:
        return None
    at += tail_start
    *_, nbytes, offset, _ = END.unpack_from(view, at)
    tail_64 = at - _TAIL_64
    if tail_64 >= 0 and bytes(view[tail_64 : tail_64 + 4]) == b"PK\x06\x06":
        *_, wide_nbytes, wide_offset = END_64.unpack_from(view, tail_64)
        nbytes = wide_nbytes if nbytes == 0xFFFFFFFF else nbytes
        offset = wide_offset if offset == 0xFFFFFFFF else offset
        at = tail_64
    directory = at - nbytes
    start = directory - offset
    if start < 0 or bytes(view[directory : directory + 4]) != b"PK\x01\x02":
        return None
    return Span(start, end, directory) if bytes(view[start : start + 4]) == LOCAL_MAGIC else None
