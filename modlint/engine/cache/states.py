"""What is on disk where something was looked at, told apart from what was there before."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from modlint.errors import Unavailable
from modlint.looks import Look

SMALL = 1 << 22
"""Bytes that are hashed sooner than handed to another process."""
_PIECE = 1 << 22
_TICK, _COARSE_TICK = 20_000_000, 2_000_000_000
"""Nanoseconds for which a file must have been left alone: what is written twice within one tick of
a file system's clock has the same times. Clocks without microseconds tick every two seconds."""
_MOST_NAMES = 20_000

Stamp = tuple[int, int, int, int, int]
"""Size, times of the last change to content and to status, inode, device."""


class Seen(Struct, frozen=True, array_like=True):
    """What was seen of a path.

    Attributes:
        look: what was looked at.
        path: the path, absolute.
        state: what was there, as bytes that differ when it does; b"" where nothing was.
        place: where the path leads by links.
        stamp: of a file whose content was hashed, what tells without reading it that it is the
            same; None where it was written to so recently that nothing does.
    """

    look: Look
    path: bytes
    state: bytes
    place: bytes = b""
    stamp: Stamp | None = None


class Eyes:
    """Sees what is on disk; what it saw once it does not look at again.

    Args:
        secret: of the cache, so that no file can be made to hash as another.
    """

    def __init__(self, secret: int) -> None:
        self._secret = secret
        self._seen: dict[tuple[Look, bytes], Seen] = {}
        self._places: dict[bytes, bytes] = {}
        self._hashes: dict[tuple[bytes, Stamp], bytes] = {}

    def forget(self) -> None:
        """Look at everything anew."""
        self._seen.clear()
        self._places.clear()

    def see(self, look: Look, path: bytes) -> Seen:
        """What is at a path now.

        Raises:
            Unavailable: it cannot be told, so nothing may be concluded from it.
        """
        known = self._seen.get((look, path))
        if known is None:
            try:
                known = self._fresh(look, path)
            except FileNotFoundError:
                known = Seen(look, path, b"")
            except NotADirectoryError:
                known = Seen(look, path, b"")
            except (OSError, ValueError) as error:
                raise Unavailable(f"cannot be seen: {error}") from error
            self._seen[look, path] = known
        return known

    def same(self, before: Seen, *, paranoid: bool, hashing: bool) -> Seen | None:
        """What is there now, where it is what was there before; None where it is not.

        Args:
            before: what was seen.
            paranoid: whether to hash what seems unchanged.
            hashing: whether to hash large files.

        Raises:
            Unavailable: it cannot be told, or not without hashing.
        """
        if not before.state:
            return None if os.path.lexists(before.path) else before
        if before.look is Look.CONTENT:
            try:
                stamp, place = _stamp(before.path), self._place(before.path)
            except OSError:
                return None
            if place != before.place:
                return None
            if stamp == before.stamp and not paranoid:
                return before
            if stamp[0] > SMALL and not hashing:
                raise Unavailable("is not hashed here")
        now = self.see(before.look, before.path)
        return now if (now.state, now.place) == (before.state, before.place) else None

    def stamp(self, path: bytes) -> Stamp | None:
        """What tells that a file is the same, None where there is none."""
        try:
            return _stamp(path)
        except OSError:
            return None

    def _fresh(self, look: Look, path: bytes) -> Seen:
        if look is Look.NAMES:
            return Seen(look, path, self._names(path), self._place(path))
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            link = os.readlink(path)
            try:
                status = os.stat(path)
            except FileNotFoundError:
                return Seen(look, path, b"broken link", link)
        if look is Look.CONTENT:
            return self._content(path, status)
        regular = stat.S_ISREG(status.st_mode)
        facts = [stat.S_IFMT(status.st_mode), status.st_size if regular else 0]
        facts += [status.st_nlink] if regular else []
        facts += [status.st_mtime_ns] if look is Look.TIMES else []
        return Seen(look, path, repr(facts).encode(), self._place(path))

    def _content(self, path: bytes, status: os.stat_result) -> Seen:
        place = self._place(path)
        if stat.S_ISDIR(status.st_mode):
            return Seen(Look.CONTENT, path, b"folder", place)
        if not stat.S_ISREG(status.st_mode):
            raise Unavailable("is no regular file")
        before, begun = _stamp(path), time.time_ns()
        settled = is_settled(before, begun)
        known = self._hashes.get((path, before)) if settled else None
        digest = known or self._hashed(path)
        if _stamp(path) != before:
            raise Unavailable("changes while it is read")
        if settled:
            self._hashes[path, before] = digest
        return Seen(Look.CONTENT, path, digest, place, before if settled else None)

    def _hashed(self, path: bytes) -> bytes:
        digest = self._new()
        with open(path, "rb", buffering=0) as file:
            buffer = memoryview(bytearray(_PIECE))
            while size := file.readinto(buffer):
                digest.update(buffer[:size])
        return bytes(digest.digest())

    def _names(self, path: bytes) -> bytes:
        lines: list[tuple[bytes, bytes, str, int]] = []
        with os.scandir(path) as entries:
            for entry in entries:
                if len(lines) > _MOST_NAMES:
                    raise Unavailable("holds too many files")
                link = os.readlink(entry.path) if entry.is_symlink() else b""
                lines.append((entry.name, link, *_kind_and_size(entry)))
        digest = self._new()
        for line in sorted(lines):
            digest.update(repr(line).encode())
        return bytes(digest.digest())

    def _place(self, path: bytes) -> bytes:
        """The path without links; that of each folder is found once."""
        folder, name = os.path.split(path)
        if folder not in self._places:
            self._places[folder] = os.path.realpath(folder)
        if not os.path.islink(path) and name not in (b"", b".", b".."):
            return os.path.join(self._places[folder], name)
        links = [os.readlink(path)] if os.path.islink(path) else []
        return b"\0".join([os.path.realpath(path), *links])

    def _new(self) -> Any:
        import xxhash

        return xxhash.xxh3_128(seed=self._secret)


def absolute(path: Path) -> bytes:
    """A path from the root on, with its `..` and links as they are."""
    text = os.fsencode(path)
    return text if os.path.isabs(text) else os.path.join(os.getcwdb(), text)


def is_settled(stamp: Stamp, now: int) -> bool:
    """Whether whatever is written to a file from now on changes its stamp.

    Args:
        stamp: of the file.
        now: nanoseconds since the epoch.
    """
    last = max(stamp[1], stamp[2])
    return last + (_TICK if last % 1_000_000 else _COARSE_TICK) < now


def _stamp(path: bytes) -> Stamp:
    status = os.stat(path)
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_size, *times, status.st_ino, status.st_dev


def _kind_and_size(entry: os.DirEntry[bytes]) -> tuple[str, int]:
    try:
        status = entry.stat()
    except OSError:
        return "broken", 0
    if stat.S_ISREG(status.st_mode):
        return "file", status.st_size
    return ("folder" if stat.S_ISDIR(status.st_mode) else "other"), 0
