"""From the paths that the user names to the files to check."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modlint.checkpoint import AMBIGUOUS_EXTENSIONS, CHECKPOINT_EXTENSIONS

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})


@dataclass(slots=True)
class Discovery:
    """What was found.

    Attributes:
        files: files to check, each once: those named by the user, and in folders those whose
            name looks like a checkpoint's.
        missing: paths that do not exist.
        unsearched: folders that could not be listed, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    unsearched: list[tuple[Path, str]] = field(default_factory=list)


def discover(paths: Iterable[Path], exclude: Callable[[Path], bool]) -> Discovery:
    """Find the files to check, in a stable order; what is named outright is never excluded."""
    found = Discovery()
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for a path too long)
            found.files += (file for file in _walk(path, found) if not exclude(file))
        elif os.path.lexists(path):
            found.files.append(path)
        else:
            found.missing.append(path)
    found.files = list(dict.fromkeys(found.files))
    return found


def _walk(folder: Path, found: Discovery) -> Iterator[Path]:
    def note(error: OSError) -> None:
        found.unsearched.append((Path(error.filename), error.strerror or str(error)))

    extensions = CHECKPOINT_EXTENSIONS + AMBIGUOUS_EXTENSIONS
    for parent, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS
        )
        for name in sorted(files):
            if name.lower().endswith(extensions):
                yield Path(parent, name)
