"""Inflating a compressed file into memory, piece by piece, within a stated limit."""

from __future__ import annotations

import bz2
import lzma
import mmap
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_PIECE = 1 << 20
_XZ_MEMORY = 256 << 20
"""Bytes that an xz stream may ask for its dictionary."""


class Inflater(Protocol):
    """A decompressor as bz2 and lzma have it."""

    @property
    def eof(self) -> bool:
        """Whether the stream's end was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether more bytes must be given."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What follows the stream, of what was given."""
        ...

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Up to `max_length` bytes more."""
        ...


class ZlibInflater:
    """zlib's decompressor with the methods of the others."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)
        self._full = False

    @property
    def eof(self) -> bool:
        """Whether the stream's end was reached."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether all that was given was consumed, and all that it holds was given out."""
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        """What follows the stream."""
        return self._inner.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Up to `max_length` bytes more."""
        made = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(made) == max_length
        return made


CODECS: dict[str, Callable[[], Inflater]] = {
    "gzip": lambda: ZlibInflater(31),
    "zlib": lambda: ZlibInflater(15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _XZ_MEMORY),
}
ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class Inflated:
    """What a file inflates to.

    Attributes:
        view: the bytes, as many as could be inflated.
        end: offset in the file behind the last stream.
        problem: why there are not more of them, None where all are there.
        limited: whether the limit ended it.
    """

    view: memoryview
    end: int
    problem: str | None
    limited: bool = False


def inflate(view: memoryview, codec: str, most: int) -> Inflated:
    """Inflate the streams that follow one another in a file, up to `most` bytes."""
    # Pages of an anonymous map take memory when they are written.
    target = mmap.mmap(-1, most)
    at = given = 0
    problem = None
    while at < len(view) and problem is None:
        if at and not begins(view[at:], codec):
            break
        at, given, problem = _stream(view, at, codec, target, given)
    limited = problem is not None and problem == LIMITED
    return Inflated(memoryview(target)[:given].toreadonly(), at, problem, limited)


LIMITED = "limit"


def _stream(
    view: memoryview, at: int, codec: str, target: mmap.mmap, given: int
) -> tuple[int, int, str | None]:
    """Inflate one stream: offset behind it, bytes inflated so far, and what is wrong."""
    inflater = CODECS[codec]()
    piece = b""
    while not inflater.eof:
        if inflater.needs_input:
            piece = bytes(view[at : at + _PIECE])
            if not piece:
                return at, given, "it is truncated"
            at += len(piece)
        else:
            piece = b""
        try:
            made = inflater.decompress(piece, min(_PIECE, len(target) - given + 1))
        except ERRORS as error:
            return at, given, f"its bytes are damaged: {error}"
        if given + len(made) > len(target):
            return at, given, LIMITED
        target[given : given + len(made)] = made
        given += len(made)
    return at - len(inflater.unused_data), given, None


def begins(view: memoryview, codec: str) -> bool:
    """Whether bytes begin a stream of a codec, and inflate to something."""
    try:
        return bool(CODECS[codec]().decompress(bytes(view[: 1 << 16]), 1))
    except ERRORS:
        return False
