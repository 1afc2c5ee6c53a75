"""MessagePack: where its byte strings and texts lie. Some loaders unpickle them.

`msgpack_numpy` unpickles the data of arrays of objects (RLlib's `.msgpck`), thinc hands what its
shims hold to `torch.load` (spaCy's `model`). Source: msgpack, spec.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from modlint.errors import UnreadableError

MAX_VALUES = 1_000_000
"""Values of a file that are looked at."""

_SMALLEST = 8
"""Bytes of a string that may hold anything of interest: a pickle that calls takes a few more."""
_FIXED = {
    **dict.fromkeys((0xC0, 0xC2, 0xC3), 0),
    **dict.fromkeys((0xCC, 0xD0), 1),
    **dict.fromkeys((0xCD, 0xD1), 2),
    **dict.fromkeys((0xCA, 0xCE, 0xD2), 4),
    **dict.fromkeys((0xCB, 0xCF, 0xD3), 8),
}
"""Bytes that follow the mark of a constant or a number."""
_STRINGS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of the length of byte strings and texts."""
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_COLLECTIONS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Bytes of the count of arrays and maps, and values to an item."""


def strings(view: memoryview) -> Iterator[tuple[int, int]]:
    """Start and end of each string in a map or an array, as far as the bytes can be read so.

    Raises:
        UnreadableError: there are more values than are looked at.
    """
    return ((start, end) for start, end in _values(view) if end - start >= _SMALLEST)


def is_message(view: memoryview) -> bool:
    """Whether bytes are a map or an array from start to end.

    Raises:
        UnreadableError: there are more values than are looked at.
    """
    ends = deque((end for _, end in _values(view)), maxlen=1)
    return bool(ends) and ends[0] == len(view)


def _values(view: memoryview) -> Iterator[tuple[int, int]]:
    if not len(view) or not (0x80 <= view[0] <= 0x9F or view[0] in _COLLECTIONS):
        return
    at, pending, values = 0, 1, 0
    while pending and at < len(view):
        values += 1
        if values > MAX_VALUES:
            raise UnreadableError(f"it holds more than {MAX_VALUES:,} values of MessagePack")
        start, end, items = _value(view, at + 1, view[at])
        if end < 0 or end > len(view):
            return
        yield start, end
        at = end
        pending += items - 1


def _value(view: memoryview, at: int, mark: int) -> tuple[int, int, int]:
    """Start and end of a value's bytes, and how many values it holds; an end of −1 for no value."""
    start = end = at
    items = 0
    if mark <= 0x7F or mark >= 0xE0:
        pass
    elif mark <= 0x8F:
        items = 2 * (mark & 0x0F)
    elif mark <= 0x9F:
        items = mark & 0x0F
    elif mark <= 0xBF:
        end = at + (mark & 0x1F)
    elif mark in _FIXED:
        start = end = at + _FIXED[mark]
    elif mark in _COLLECTIONS:
        width, each = _COLLECTIONS[mark]
        start = end = at + width
        items = each * int.from_bytes(view[at : at + width], "big")
    elif mark in _STRINGS or mark in _EXTENSIONS:
        width = _STRINGS.get(mark) or _EXTENSIONS[mark]
        start = at + width + (mark in _EXTENSIONS)
        end = start + int.from_bytes(view[at : at + width], "big")
    elif mark in _FIXED_EXTENSIONS:
        start, end = at + 1, at + 1 + _FIXED_EXTENSIONS[mark]
    else:
        end = -1
    return start, end, items
