"""A file as readers see it: its path and its bytes, mapped and never loaded whole."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from modlint.errors import UnreadableError
from modlint.looks import Look, look_at

_SMALL = 1 << 14
"""Bytes up to which reading a file takes less time than mapping it."""


class Source(Struct, frozen=True):
    """A file's bytes.

    Attributes:
        path: where the file is, as the user gave it.
        view: a read-only view over the bytes; where they are many they are memory-mapped, and
            pages are read when touched.
        opener: reads what lies within the file, given as a source of its own, as the file itself is
            read: by every reader there is, one `Checkpoint` for each that claims it. Set by
            whoever opens the file; None where nobody does.
    """

    path: Path
    view: memoryview
    opener: Callable[[Any], tuple[Any, ...]] | None = None

    @property
    def nbytes(self) -> int:
        """Size of the file, in bytes."""
        return len(self.view)

    def startswith(self, magic: bytes) -> bool:
        """Whether the file begins with `magic`."""
        return bytes(self.view[: len(magic)]) == magic


def open_source(path: Path) -> Source:
    """Map a regular file.

    Raises:
        UnreadableError: the file cannot be opened (permissions, it vanished, an I/O error).
    """
    look_at(Look.CONTENT, path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("is no regular file", help="name a regular file")
            if status.st_size <= _SMALL:
                return Source(path, memoryview(file.read(_SMALL)))
            return Source(path, memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except OSError as error:
        look_at(Look.FAILED, path)
        reason = error.strerror or str(error)
        raise UnreadableError(
            f"cannot be opened: {reason[:1].lower()}{reason[1:]}",
            help="check that the file exists and that you may read it",
        ) from error


def _without_waiting(name: str, flags: int) -> int:
    """Open at once: a named pipe may have taken the file's place since it was looked at."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
