"""From the paths that the user names to the files to check."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from modlint.discovery.folder_code import Folder, FolderCode
from modlint.discovery.ignored import IgnoreFiles
from modlint.discovery.passed_over import PassedOver
from modlint.errors import UnreadableError
from modlint.file_names import is_companion, is_listed, promises_checkpoint

_REPOSITORY = ".git"
_NO_EXIST = ".no_exist"
"""Folder of the hub's cache with an empty file for each that a repository does not have."""
_INSTALLED = frozenset({"__pycache__", "node_modules", "site-packages"})


class Search(Struct, frozen=True):
    """How folders are searched.

    Attributes:
        holds_checkpoint: whether a file may be a checkpoint by its content; raises
            `UnreadableError` where it cannot be opened.
        excludes: whether the user has excluded a file.
        everything: whether hidden folders, folders of packages and what git ignores are searched
            too; a repository's own folder never is.
    """

    holds_checkpoint: Callable[[Path], bool]
    excludes: Callable[[Path], bool]
    everything: bool = False


class Discovery(Struct):
    """What was found.

    Attributes:
        files: files to check, each once, in order: those named by the user, and in folders every
            file that may be a checkpoint or be read along with one.
        unsure: those of the files that may turn out to be nothing worth a report of their own.
        missing: paths that do not exist.
        unsearched: folders that could not be listed, with the reason.
        passed_over: what was not looked at.
        others: number of files that were looked at and are not to be checked.
    """

    files: list[Path] = field(default_factory=list)
    unsure: set[Path] = field(default_factory=set)
    missing: list[Path] = field(default_factory=list)
    unsearched: list[tuple[Path, str]] = field(default_factory=list)
    passed_over: PassedOver = field(default_factory=PassedOver)
    others: int = 0


def discover(paths: Iterable[Path], search: Search) -> Discovery:
    """Find the files to check, in a stable order; what is named outright is never excluded.

    A path that does not exist and holds `*`, `?` or `[` is a pattern; `**` is any folders. In a
    folder every file is looked at, by name and content; links to files are followed, links to
    folders are not.
    """
    found = Discovery()
    named: list[Path] = []
    for path in paths:
        expanded = [path] if os.path.lexists(path) else _expand(path)
        if not expanded:
            found.missing.append(path)
        for item in expanded:
            if os.path.isdir(item):  # noqa: PTH112 (Path.is_dir raises for a path too long)
                found.files += _Walk(item, search, found).files()
            else:
                found.files.append(item)
                named.append(item)
    found.unsure.difference_update(named)
    found.files = _without_targets(list(dict.fromkeys(found.files)), found.unsure)
    return found


def _expand(pattern: Path) -> list[Path]:
    """What a pattern matches, in order."""
    if not glob.has_magic(str(pattern)):
        return []
    names = glob.glob(str(pattern), recursive=True)  # noqa: PTH207 (it takes absolute patterns)
    return [Path(name) for name in sorted(names)]


def _without_targets(files: list[Path], unsure: set[Path]) -> list[Path]:
    """The files, less those that a link among them leads to.

    A hub's cache keeps each file once under a checksum, and links to it by its name.
    """
    targets = {os.path.realpath(file) for file in files if file.is_symlink()}
    if not targets:
        return files
    return [f for f in files if f not in unsure or f.is_symlink() or _real(f) not in targets]


def _real(path: Path) -> str:
    return os.path.realpath(path)


class _Walk:
    """The search of one folder."""

    def __init__(self, folder: Path, search: Search, found: Discovery) -> None:
        self._folder = folder
        self._search = search
        self._found = found
        self._links: list[Path] = []
        self._ignored = IgnoreFiles(folder, heeded=not search.everything)

    def files(self) -> Iterator[Path]:
        """The files to check; what else there is goes into the discovery."""
        folders = list(self._folders())
        code = FolderCode(folder for folder, _ in folders)
        for folder, checkpoints in folders:
            for path, may_be_checkpoint in zip(folder.files, checkpoints, strict=True):
                yield from self._chosen(path, may_be_checkpoint, code)

    def _folders(self) -> Iterator[tuple[Folder, list[bool | None]]]:
        """Every folder that is entered, and which of its files may be checkpoints."""
        pending = [self._folder]
        seen = {os.path.realpath(self._folder)}
        while pending:
            for parent, folders, names in os.walk(pending.pop(), onerror=self._note):
                folders[:] = [name for name in sorted(folders) if self._enters(parent, name)]
                paths = [Path(parent, name) for name in sorted(names)]
                paths = [path for path in paths if not self._passes(path)]
                checkpoints = [self._may_be_checkpoint(path) for path in paths]
                yield Folder(Path(parent), paths, any(checkpoints)), checkpoints
            pending = self._followed(seen)

    def _followed(self, seen: set[str]) -> list[Path]:
        """Folders that links lead to, within the folder that is searched, each once."""
        followed = []
        for link in self._links:
            target = os.path.realpath(link)
            if target not in seen:
                seen.add(target)
                followed.append(link)
        self._links.clear()
        return followed

    def _note(self, error: OSError) -> None:
        self._found.unsearched.append((Path(error.filename), error.strerror or str(error)))

    def _enters(self, parent: str, name: str) -> bool:
        path = Path(parent, name)
        passed = self._found.passed_over
        if name == _REPOSITORY or (name.startswith(".") and not self._search.everything):
            passed.hidden.append(name)
        elif name in _INSTALLED and not self._search.everything:
            passed.installed.append(name)
        elif path.is_symlink() and self._follows(path):
            self._links.append(path)
        elif path.is_symlink():
            self._found.unsearched.append((path, "it is a link; name it to search it"))
        elif self._ignored.match_folder(path):
            passed.ignored_folders += 1
        else:
            return True
        return False

    def _follows(self, link: Path) -> bool:
        """Whether a link leads to where the search does not go by itself."""
        root, target = (Path(os.path.realpath(path)) for path in (self._folder, link))
        if not self._search.everything or root not in target.parents:
            return False
        return _REPOSITORY in target.relative_to(root).parts

    def _passes(self, path: Path) -> bool:
        """Whether a file is passed over; counts it."""
        if self._ignored.match(path):
            self._found.passed_over.ignored_files += 1
        elif self._search.excludes(path):
            self._found.passed_over.excluded += 1
        else:
            return False
        return True

    def _chosen(
        self, path: Path, may_be_checkpoint: bool | None, code: FolderCode
    ) -> Iterator[Path]:
        """The file, where it is to be checked."""
        if may_be_checkpoint or is_companion(path) or code.is_loaded(path):
            if not is_listed(path):
                self._found.unsure.add(path)
            yield path
        elif may_be_checkpoint is not None:
            self._found.others += 1

    def _may_be_checkpoint(self, path: Path) -> bool | None:
        """Whether a file may be a checkpoint; None where it cannot be told, which is counted."""
        if _marks_absence(path):
            return False
        if is_listed(path) or promises_checkpoint(path):
            return True
        try:
            return self._search.holds_checkpoint(path)
        except UnreadableError:
            if self._search.everything:
                return True
            self._found.passed_over.unopened += not is_companion(path)
            return None


def _marks_absence(path: Path) -> bool:
    """Whether a file is the hub cache's empty marker of one that the repository does not have."""
    try:
        return _NO_EXIST in path.parts and not path.stat().st_size
    except OSError:
        return False
