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
        heeded: whether they count at all.
    """

    def __init__(self, folder: Path, *, heeded: bool = True) -> None:
        self._folder = folder
        self._resolved = folder.resolve()
        self._patterns: dict[Path, GitIgnoreSpec | None] = {}
        self._root = _repository(self._resolved) if heeded else None
        if self._root is not None and self._is_ignored(self._resolved / "any", self._root):
            self._root = self._resolved

    def match(self, path: Path) -> bool:
        """Whether a file under the folder is ignored."""
        if self._root is None:
            return False
        return self._is_ignored(self._resolved / path.relative_to(self._folder), self._root)

    def match_folder(self, path: Path) -> bool:
        """Whether a folder under the folder is ignored, and with it everything that it holds."""
        if self._root is None:
            return False
        resolved = self._resolved / path.relative_to(self._folder)
        return self._is_ignored(resolved, self._root, end="/")

    def _is_ignored(self, path: Path, root: Path, end: str = "") -> bool:
        """The innermost .gitignore that speaks of the path decides."""
        for folder in path.parents:
            patterns = self._of(folder)
            if patterns is not None:
                name = path.relative_to(folder).as_posix() + end
                decision = patterns.check_file(name).include
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
