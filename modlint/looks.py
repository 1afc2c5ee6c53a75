"""What the check of a file looks at on disk: told to whoever wants to know when it has changed."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path


class Look(enum.StrEnum):
    """What was looked at of a path, and what of it an answer therefore depends on."""

    CONTENT = "content"
    """Its bytes, or that there is no such file."""
    NAMES = "names"
    """Of a folder, what is in it: names, kinds, sizes, and where links lead."""
    STATUS = "status"
    """Whether it exists, its kind and size, how many names it has, and where links lead."""
    TIMES = "times"
    """That, and when it was last written to."""
    FAILED = "failed"
    """It could not be opened: that may be another time otherwise."""


Listener = Callable[[Look, Path], object]

listeners: list[Listener] = []
"""Called with each look, before it is taken."""


def look_at(look: Look, path: Path) -> None:
    """Say that something is looked at.

    Whatever reads from disk beside `modlint.source.open_source`, which says so itself, calls this
    first, for what is not there too.
    """
    for listener in tuple(listeners):
        listener(look, path)
