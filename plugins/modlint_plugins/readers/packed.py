"""Pickles and archives within MessagePack, which some loaders unpickle."""

from __future__ import annotations

from collections.abc import Iterator

from modlint_plugins.archives.msgpack import is_message, strings
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC
from modlint_plugins.pickling.scan import begins_as_pickle

_MAX_DEPTH = 3


def packed(view: memoryview) -> Iterator[tuple[int, int]]:
    """Start and end of each string that begins as a pickle or an archive, or is MessagePack again.

    Raises:
        UnreadableError: there are more values than are looked at.
    """
    for start, end in strings(view):
        held = view[start:end]
        if _begins(held) or is_message(held):
            yield start, end


def holds_pickles(view: memoryview, depth: int = 0) -> bool:
    """Whether a string of MessagePack, or of MessagePack within, begins as a pickle or an archive.

    Raises:
        UnreadableError: there are more values than are looked at.
    """
    for start, end in packed(view):
        held = view[start:end]
        if _begins(held) or (depth < _MAX_DEPTH and holds_pickles(held, depth + 1)):
            return True
    return False


def _begins(view: memoryview) -> bool:
    return bytes(view[: len(LOCAL_MAGIC)]) == LOCAL_MAGIC or begins_as_pickle(view)
