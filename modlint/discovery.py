"""From the paths that the user names to the files to check."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modlint.checkpoint import AMBIGUOUS_EXTENSIONS, CHECKPOINT_EXTENSIONS
from modlint.ignored import IgnoreFiles

_PICKLES = (".pkl", ".pickle", ".joblib", ".mar")
_INDEXES = (".safetensors.index.json", ".bin.index.json")
_LOOKED_AT = (*CHECKPOINT_EXTENSIONS, *AMBIGUOUS_EXTENSIONS, *_PICKLES, *_INDEXES)
_DISTRIBUTED = ".metadata"
"""Name of the file that describes a distributed checkpoint's parts."""
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})


@dataclass(slots=True)
class Discovery:
    """What was found.

    Attributes:
        files: files to check, each once: those named by the user, and in folders those whose
            name looks like a checkpoint's.
        missing: paths that do not exist.
        unsearched: folders that could not be listed, with the reason.
        ignored: number of files passed over because git ignores them.
    """

    files: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    unsearched: list[tuple[Path, str]] = field(default_factory=list)
    ignored: int = 0


def discover(paths: Iterable[Path], exclude: Callable[[Path], bool]) -> Discovery:
    """Find the files to check, in a stable order; what is named outright is never excluded.

    A path that does not exist and holds `*`, `?` or `[` is a pattern; `**` is any folders. In a
    folder, what its repository's .gitignore files name is passed over, links to files are
    followed and links to folders are not.
    """
    found = Discovery()
    for path in paths:
        named = [path] if os.path.lexists(path) else _expand(path)
        if not named:
            found.missing.append(path)
        for item in named:
            if os.path.isdir(item):  # noqa: PTH112 (Path.is_dir raises for a path too long)
                found.files += (file for file in _walk(item, found) if not exclude(file))
            else:
                found.files.append(item)
    found.files = list(dict.fromkeys(found.files))
    return found


def _expand(pattern: Path) -> list[Path]:
    """What a pattern matches, in order."""
    if not glob.has_magic(str(pattern)):
        return []
    names = glob.glob(str(pattern), recursive=True)  # noqa: PTH207 (it takes absolute patterns)
    return [Path(name) for name in sorted(names)]


def _walk(folder: Path, found: Discovery) -> Iterator[Path]:
    def note(error: OSError) -> None:
        found.unsearched.append((Path(error.filename), error.strerror or str(error)))

    ignored = IgnoreFiles(folder)
    for parent, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS
        )
        links = (Path(parent, name) for name in folders if Path(parent, name).is_symlink())
        found.unsearched += ((link, "it is a link; name it to search it") for link in links)
        for name in sorted(files):
            path = Path(parent, name)
            if not _looks_like_checkpoint(name):
                continue
            if ignored.match(path):
                found.ignored += 1
            else:
                yield path


def _looks_like_checkpoint(name: str) -> bool:
    return name.lower().endswith(_LOOKED_AT) or name == _DISTRIBUTED
