"""Files that a file names beside itself: their names must not leave its folder."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from modlint.errors import UnreadableError
from modlint.looks import Look, look_at
from modlint.source import Source, open_source

_DRIVE = re.compile(r"[A-Za-z]:")


class Escape(UnreadableError):
    """A name leads out of the folder."""


def open_beside(path: Path, name: str) -> Source:
    """Map the file of that name in the folder of `path`.

    A symbolic link may lead elsewhere: a hub's cache keeps every file as one. A folder on the way
    may not.

    Raises:
        Escape: the name, or a folder in it, leads out of the folder.
        UnreadableError: there is no such file, or it cannot be opened.
    """
    pure = PurePosixPath(name)
    odd = not name or "\\" in name or "\0" in name or _DRIVE.match(name)
    if odd or pure.is_absolute() or ".." in pure.parts:
        raise Escape(f"the name {name!r} leads out of the folder")
    try:
        return _open_in(path.parent, pure, name)
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, no text
        raise UnreadableError(
            f"the file {name[:200]!r} is missing: no file can be called so"
        ) from error


def _open_in(folder: Path, pure: PurePosixPath, name: str) -> Source:
    target = folder / pure
    look_at(Look.STATUS, target)
    if len(pure.parts) > 1 and not target.parent.resolve().is_relative_to(folder.resolve()):
        raise Escape(f"the name {name!r} leads out of the folder by a symbolic link")
    if not target.is_file():
        what = "is no regular file" if target.exists() else "is missing"
        raise UnreadableError(f"the file {name!r} {what}")
    return open_source(target)
