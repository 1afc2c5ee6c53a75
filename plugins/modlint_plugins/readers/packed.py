"""Pickles and archives within MessagePack, which some loaders unpickle."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint_plugins.archives.msgpack import is_message, strings
from modlint_plugins.archives.tar.archive import is_tar
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC
from modlint_plugins.pickling.scan import begins_as_pickle, interpret
from modlint_plugins.pickling.stacked import is_legacy

_MAX_DEPTH = 3
_SHORT = 16
"""Bytes of a string that may be a number's, whatever they begin with."""
_NAMES = re.compile(rb"[\n\x93].*\.", re.DOTALL)
"""What a pickle that names a global and stops has: GLOBAL's line end, or STACK_GLOBAL, and STOP."""


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
    """Whether a loader may unpickle a string; one of a few bytes must be a whole pickle."""
    if len(view) < _SHORT:
        if not _NAMES.search(view):
            return False
        found = interpret(view)
        return found.stopped and any(use.use != "pushed" for use in found.trace.uses)
    if bytes(view[: len(LOCAL_MAGIC)]) == LOCAL_MAGIC or is_tar(view):
        return True
    return begins_as_pickle(view) or is_legacy(view)
