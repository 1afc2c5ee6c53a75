"""How the members of a zip archive are compressed: what Python's zipfile and PyTorch inflate.

Source: PKWARE APPNOTE 6.3.10, section 4.4.5 and 5.8 (LZMA's header).
"""

from __future__ import annotations

import bz2
import importlib
import importlib.util
import lzma
import zlib
from collections.abc import Callable, Iterator

from modlint_plugins.archives.streams import Inflater, Stream, StreamReader, ZlibInflater, pieces

STORED, DEFLATED = 0, 8
_BZIP2, _LZMA, _ZSTANDARD = 12, 14, 93
_LZMA_HEADER = 9
"""A version and a length of two bytes each, then five bytes of properties."""
_MIN_WINDOW = 4096


def _deflate(_raw: memoryview, _size: int) -> Stream:
    return Stream(ZlibInflater(-zlib.MAX_WBITS), 0)


def _bzip2(_raw: memoryview, _size: int) -> Stream:
    return Stream(bz2.BZ2Decompressor(), 0)


def _lzma(raw: memoryview, size: int) -> Stream:
    """The window that a member states is allocated at once: no more than the member needs is."""
    header = bytes(raw[:_LZMA_HEADER])
    if len(header) < _LZMA_HEADER or header[2:4] != b"\x05\x00" or header[4] >= 9 * 5 * 5:
        raise ValueError("the LZMA header is damaged")
    properties = header[4]
    window = int.from_bytes(header[5:9], "little")
    options = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(min(window, size), _MIN_WINDOW),
        "lc": properties % 9,
        "lp": properties // 9 % 5,
        "pb": properties // 45,
    }
    return Stream(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[options]), _LZMA_HEADER)


def _zstandard(_raw: memoryview, _size: int) -> Stream:
    inflater: Inflater = importlib.import_module("compression.zstd").ZstdDecompressor()
    return Stream(inflater, 0)


def _has_zstandard() -> bool:
    """Whether this Python inflates Zstandard, as 3.14 does."""
    return (
        importlib.util.find_spec("compression") is not None
        and importlib.util.find_spec("compression.zstd") is not None
    )


_STREAMS: dict[int, Callable[[memoryview, int], Stream]] = {
    DEFLATED: _deflate,
    _BZIP2: _bzip2,
    _LZMA: _lzma,
} | ({_ZSTANDARD: _zstandard} if _has_zstandard() else {})
PYTORCH = frozenset({STORED, DEFLATED})
"""The methods that PyTorch reads."""
PYTHON = frozenset({STORED, *_STREAMS})
"""Those that Python's zipfile reads."""


def inflating(method: int, raw: memoryview, most: int, step: int) -> Iterator[bytes]:
    """Inflate up to `most` bytes, in pieces of up to `step` bytes.

    Args:
        method: one of `PYTHON` but "stored".
        raw: the compressed bytes.
        most: bytes that are wanted.
        step: bytes that a piece may have.

    Raises:
        ERRORS: the compressed bytes are damaged; what comes before was given.
    """

    def opened() -> StreamReader:
        return StreamReader(raw, _STREAMS[method](raw, most))

    yield from pieces(opened(), opened, most, step)
