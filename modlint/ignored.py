"""The .gitignore files that apply in a folder, of the git repository that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_NAME = ".gitignore"
_MAX_BYTES = 1 << 20


class IgnoreFiles:
    """Which files in a folder are ignored; outside of a repository none is.

    Where the folder itself is ignored, only the .gitignore files in it count: it was named.

    Args:
        folder: the folder that is searched.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._resolved = folder.resolve()
        self._patterns: dict[Path, GitIgnoreSpec | None] = {}
        self._root = _repository(self._resolved)
        if self._root is not None and self._is_ignored(self._resolved / "any", self._root):
            self._root = self._resolved

    def match(self, path: Path) -> bool:
        """Whether a file under the folder is ignored."""
        if self._root is None:
            return False
        return self._is_ignored(self._resolved / path.relative_to(self._folder), self._root)

    def _is_ignored(self, path: Path, root: Path) -> bool:
        """The innermost .gitignore that speaks of the file decides."""
        for folder in path.parents:
            patterns = self._of(folder)
            if patterns is not None:
                decision = patterns.check_file(path.relative_to(folder).as_posix()).include
                if decision is not None:
                    return decision
            if folder == root:
                break
        return False

    def _of(self, folder: Path) -> GitIgnoreSpec | None:
        if folder not in self._patterns:
            self._patterns[folder] = _read(folder / _NAME)
        return self._patterns[folder]


def _read(path: Path) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec

    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return GitIgnoreSpec.from_lines(path.read_text("utf-8", "replace").splitlines())
    except (OSError, ValueError):  # unreadable, or a pattern that git would not take either
        return None


def _repository(folder: Path) -> Path | None:
    """The folder of the repository that holds a folder."""
    return next((f for f in (folder, *folder.parents) if (f / ".git").exists()), None)
