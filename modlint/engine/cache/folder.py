"""The folder of the cache: entries by key, written whole or not at all, and not without end."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "MODLINT_CACHE_DIR"
MOST = 512 << 20
"""Bytes that entries may take; the oldest go first."""
LARGEST = 16 << 20
"""Bytes of the largest entry."""
_KEPT = 0.8
"""Share of `MOST` that is left when entries go."""
_ENTRIES = "entries-1"
_SECRET = "secret"
_TAG = "CACHEDIR.TAG"
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n# modlint's cache: `modlint clean`\n"
_PART = ".part"
_ABANDONED = 3600.0
"""Seconds after which nobody goes on writing a part."""
_DAY = 86_400.0


def default_folder() -> Path:
    """Where the platform keeps caches: never a folder that is checked, which may bring its own."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(os.path.abspath(named))  # noqa: PTH100 (links stay as they are)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (pathlib raises without a home)
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "modlint"
    variable, usual = "XDG_CACHE_HOME", home / ".cache"
    if sys.platform == "win32":
        variable, usual = "LOCALAPPDATA", home / "AppData" / "Local"
    given = os.environ.get(variable, "")
    return (Path(given) if os.path.isabs(given) else usual) / "modlint"  # noqa: PTH117


class CacheFolder:
    """Entries of bytes under keys; safe for any number of processes at once.

    Args:
        path: the folder; made when the first entry is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = path / _ENTRIES

    def usable(self) -> bool:
        """Whether the folder can be made, is this user's own, and is written by nobody else.

        Otherwise somebody else could say what was checked.
        """
        try:
            self._entries.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self.path / _TAG).exists():
                self._write(self.path / _TAG, _SIGNATURE.encode())
            status = self._entries.stat()
        except OSError:
            return False
        return not hasattr(os, "geteuid") or (
            status.st_uid == os.geteuid() and not status.st_mode & 0o022
        )

    def secret(self) -> int:
        """A number of 64 bits of this folder alone: whoever makes files does not know it."""
        path = self.path / _SECRET
        for _ in range(2):
            with contextlib.suppress(OSError):
                found = path.read_bytes()
                if len(found) == 8:
                    return int.from_bytes(found, "little")
            with contextlib.suppress(OSError):
                self._write(path, secrets.token_bytes(8))
        return 0

    def read(self, key: str) -> bytes | None:
        """The entry under a key, None where there is none; it counts as used."""
        path = self._place(key)
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                if time.time() - status.st_mtime > _DAY:
                    os.utime(path)
                return file.read(LARGEST)
        except OSError:
            return None

    def write(self, key: str, entry: bytes) -> None:
        """Put an entry under a key; without room, or a right to write, nothing is kept."""
        if len(entry) > LARGEST:
            return
        path = self._place(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._write(path, entry)

    def prune(self, most: int = MOST) -> None:
        """Remove what was begun and left, and what is longest unused where there is too much."""
        entries: list[tuple[float, int, str]] = []
        now = time.time()
        for path, status in self._walk():
            if not path.endswith(_PART):
                entries.append((status.st_mtime, status.st_size, path))
            elif now - status.st_mtime > _ABANDONED:
                _remove(path)
        total = sum(size for _, size, _ in entries)
        if total <= most:
            return
        for _, size, path in sorted(entries):
            if total <= _KEPT * most:
                break
            _remove(path)
            total -= size

    def clear(self) -> tuple[int, int]:
        """Remove all entries and what else modlint wrote here; gives their number and bytes."""
        number = nbytes = 0
        for path, status in list(self._walk()):
            _remove(path)
            number, nbytes = number + 1, nbytes + status.st_size
        for name in (_SECRET, _TAG):
            _remove(str(self.path / name))
        with contextlib.suppress(OSError):
            for folder in list(self._entries.iterdir()):
                folder.rmdir()
            self._entries.rmdir()
            self.path.rmdir()
        return number, nbytes

    def _place(self, key: str) -> Path:
        return self._entries / key[:2] / key[2:]

    def _write(self, path: Path, content: bytes) -> None:
        """Write beside the place, then put it there: nobody sees half of it."""
        descriptor, part = tempfile.mkstemp(_PART, "", path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(part, path)  # noqa: PTH105 (they are strings and paths)
        except BaseException:
            _remove(part)
            raise

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        for folder, _, names in os.walk(self._entries):
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118 (many, and quick)
                with contextlib.suppress(OSError):
                    yield path, os.lstat(path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 (it is a string)
