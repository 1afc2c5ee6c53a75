"""The beginnings of compressed streams, and decompressors that read what Python's modules read.

Sources: RFC 1952 (gzip) and CPython `Lib/gzip.py`, which looks at no checksum of the header; xz
5.4, `lzma_auto_decoder`; joblib 1.4, `compressor.py` and `numpy_pickle_compat.py`, `read_zfile`.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

XZ_MEMORY = 256 << 20
"""Bytes that a stream may ask for its dictionary."""
ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
PIECE = 1 << 20
FIRST_PIECE = 4096
"""Compressed bytes that are taken at first, and bytes that are inflated from them."""
_FINE = (4096, 1)
_MAX_HEADER = 1 << 20
_GZIP_FIXED, _GZIP_TRAILER = 10, 8
_GZIP_EXTRA, _GZIP_NAME, _GZIP_COMMENT, _GZIP_SUM = 0x04, 0x08, 0x10, 0x02
_LZMA_FIXED = 13
_MAX_LZMA = 1 << 38
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""What a bzip2 stream goes on with: a block, or its end."""
_Z_FILE = b"ZF"
_Z_DIGITS = 19
"""joblib's old container states its length in so many characters."""


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


class Stream(Struct, frozen=True):
    """A stream that is about to be inflated.

    Attributes:
        inflater: its decompressor.
        start: offset of the bytes that it is given.
        first: what it is given before them.
        trailer: bytes behind its end that hold the checksum and size of what it inflates to.
    """

    inflater: Inflater
    start: int
    first: bytes = b""
    trailer: int = 0


def codec_of(view: memoryview) -> str | None:
    """The codec by which bytes begin a stream; weak marks count where something inflates."""
    start = bytes(view[:_LZMA_FIXED])
    if start.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if start.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if start.startswith(b"BZh") and start[4:10] in _BZIP2_BLOCKS:
        return "bzip2"
    if start.startswith(_Z_FILE) and _z_start(view) is not None:
        return "joblib-zfile" if gives_something(view, "joblib-zfile") else None
    if start.startswith(b"\x78"):
        return "zlib" if gives_something(view, "zlib") else None
    return "lzma" if _is_lzma(start) and gives_something(view, "lzma") else None


def gives_something(view: memoryview, codec: str) -> bool:
    """Whether the first bytes of a stream inflate to something."""
    try:
        stream = open_stream(view, 0, codec)
        first = stream.first + bytes(view[stream.start : stream.start + (1 << 16)])
        return bool(stream.inflater.decompress(first, 1))
    except ERRORS:
        return False


def open_stream(view: memoryview, at: int, codec: str) -> Stream:
    """A decompressor for the stream at an offset.

    Raises:
        ValueError: its header is damaged.
    """
    match codec:
        case "gzip":
            start = _gzip_start(view, at)
            return Stream(ZlibInflater(-zlib.MAX_WBITS), start, trailer=_GZIP_TRAILER)
        case "zlib":
            return Stream(ZlibInflater(zlib.MAX_WBITS), at)
        case "joblib-zfile":
            return Stream(ZlibInflater(zlib.MAX_WBITS), at + (_z_start(view[at:]) or 0))
        case "bzip2":
            return Stream(bz2.BZ2Decompressor(), at)
        case "xz":
            return Stream(lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY), at)
    inflater = lzma.LZMADecompressor(lzma.FORMAT_ALONE, 2 * XZ_MEMORY)
    header = bytearray(view[at : at + _LZMA_FIXED])
    # The dictionary is no larger than what is inflated needs, whatever the header asks for.
    header[1:5] = min(int.from_bytes(header[1:5], "little"), XZ_MEMORY).to_bytes(4, "little")
    return Stream(inflater, at + len(header), bytes(header))


def _gzip_start(view: memoryview, at: int) -> int:
    """Offset of the deflated bytes behind a header.

    Raises:
        ValueError: it is no header, or has no end.
    """
    fixed = bytes(view[at : at + _GZIP_FIXED])
    if len(fixed) < _GZIP_FIXED or fixed[:3] != b"\x1f\x8b\x08":
        raise ValueError("the header is damaged")
    flags = fixed[3]
    at += _GZIP_FIXED
    if flags & _GZIP_EXTRA:
        at += 2 + int.from_bytes(view[at : at + 2], "little")
    for flag in (_GZIP_NAME, _GZIP_COMMENT):
        if flags & flag:
            end = bytes(view[at : at + _MAX_HEADER]).find(b"\0")
            if end < 0:
                raise ValueError("the header has no end")
            at += end + 1
    return at + (2 if flags & _GZIP_SUM else 0)


def _is_lzma(start: bytes) -> bool:
    """Whether bytes are a header of the format before xz, as `lzma_auto_decoder` tells."""
    if len(start) < _LZMA_FIXED or start[0] >= 9 * 5 * 5:
        return False
    dictionary, size = int.from_bytes(start[1:5], "little"), int.from_bytes(start[5:], "little")
    power = dictionary & -dictionary
    usual = dictionary in (power, 3 * power, 0xFFFFFFFF) and dictionary > 0
    return usual and (size < _MAX_LZMA or size == (1 << 64) - 1)


def _z_start(view: memoryview) -> int | None:
    """Offset of the zlib stream in joblib's old container, None where it is none."""
    header = bytes(view[: len(_Z_FILE) + _Z_DIGITS + 1])
    if len(header) <= len(_Z_FILE) + _Z_DIGITS:
        return None
    try:
        int(header[len(_Z_FILE) : -1], 16)
    except ValueError:
        return None
    return len(header) if header[-1:] == b" " else len(header) - 1


class StreamReader:
    """Inflates a stream, a piece at a time.

    Args:
        view: the bytes that hold it.
        stream: how it is read.

    Attributes:
        at: offset behind the compressed bytes that were taken.
        ended: whether the stream's own end was reached.
    """

    def __init__(self, view: memoryview, stream: Stream) -> None:
        self.view = view
        self.stream = stream
        self.at = stream.start
        self._pending = stream.first
        self._size = FIRST_PIECE

    @property
    def ended(self) -> bool:
        """Whether the stream's own end was reached."""
        return self.stream.inflater.eof

    @property
    def end(self) -> int:
        """Offset behind what was read, without a trailer."""
        return self.at - (len(self.stream.inflater.unused_data) if self.ended else 0)

    def read(self, most: int) -> bytes | None:
        """Up to `most` bytes more, perhaps none; None at the end of the stream or the bytes.

        Raises:
            ERRORS: the compressed bytes are damaged.
        """
        inflater = self.stream.inflater
        if inflater.eof:
            return None
        if inflater.needs_input:
            piece = bytes(self.view[self.at : self.at + self._size])
            if not piece and not self._pending:
                return None
            self.at += len(piece)
            self._pending += piece
            self._size = min(2 * self._size, PIECE)
        pending, self._pending = self._pending, b""
        return inflater.decompress(pending, most)


def pieces(
    reader: StreamReader, again: Callable[[], StreamReader], most: int, step: int
) -> Iterator[bytes]:
    """Inflate up to `most` bytes, in pieces: small ones first, then of up to `step` bytes.

    A call that meets damage gives nothing of what it inflated before: that is then read again in
    smaller steps, so that no loader is given more.

    Args:
        reader: the stream at its beginning.
        again: gives it at its beginning once more.
        most: bytes that are wanted.
        step: bytes that a piece may have.

    Raises:
        ERRORS: the compressed bytes are damaged; all that comes before was given.
    """
    given, size = 0, FIRST_PIECE
    try:
        while given < most and (made := reader.read(min(size, most - given))) is not None:
            given += len(made)
            if made:
                yield made
            size = min(2 * size, step)
    except ERRORS:
        for fine in _FINE:
            for made in _behind(again(), given, fine):
                made = made[: most - given]
                given += len(made)
                yield made
        raise


def _behind(reader: StreamReader, known: int, step: int) -> Iterator[bytes]:
    """What a stream gives in small steps behind bytes that are known, up to where it fails."""
    try:
        while known > 0 and (made := reader.read(min(known, PIECE))) is not None:
            known -= len(made)
        while (made := reader.read(step)) is not None:
            yield made
    except ERRORS:
        return
