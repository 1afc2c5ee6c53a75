"""Inflating compressed bytes into memory, piece by piece, within a stated limit.

For whoever searches bytes without knowing what will load them::

    found = inflated(view, allowance)    # None where the bytes begin no stream
    found.codec, found.view              # what it inflates to: of all streams that are one file
    found.problem                        # why there is no more of it; .limited: the limit is why
    view[found.end:]                     # what follows the streams, to be searched as it is

`allowance` is the one of `contained`; what was inflated is accounted for, and `allowance.kept`
is to be lowered by `len(found.view)` once the bytes are dropped.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Protocol

from modlint_plugins.readers.streams import (
    ERRORS,
    Inflater,
    ZlibInflater,
    codec_of,
    gives_something,
    open_stream,
)

_FIRST_PIECE = 4096
_PIECE = 1 << 20
_MAX_STREAMS = 100_000
_PADDED = frozenset({"gzip", "xz"})
"""Codecs whose readers skip zeros between two streams."""
LIMITED = "limit"


class Account(Protocol):
    """What inflating may still cost."""

    def most(self, stored: int) -> int:
        """Bytes that so many compressed ones may inflate to now."""
        ...

    def spend_inflated(self, nbytes: int, stored: int) -> None:
        """Account for bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Inflated:
    """What bytes inflate to.

    Attributes:
        view: the bytes, as many as could be inflated.
        end: offset in the file behind the last stream.
        problem: why there are not more of them, None where all are there.
        limited: whether the limit ended it.
        codec: how they are compressed.
    """

    view: memoryview
    end: int
    problem: str | None
    limited: bool = False
    codec: str = ""


def inflated(view: memoryview, account: Account) -> Inflated | None:
    """Inflate what begins as a stream does, and account for it."""
    codec = codec_of(view)
    if codec is None:
        return None
    found = inflate(view, codec, max(account.most(len(view)), 1))
    account.spend_inflated(len(found.view), max(found.end, 1))
    return found


def inflate(view: memoryview, codec: str, most: int) -> Inflated:
    """Inflate the streams that follow one another in a file, up to `most` bytes."""
    target = bytearray()
    at, streams = 0, 0
    problem = None
    while problem is None and streams < _MAX_STREAMS:
        start = _next_stream(view, at, codec) if streams else 0
        if start is None:
            break
        at, problem = _stream(view, start, codec, target, most)
        streams += 1
    limited = problem == LIMITED
    return Inflated(memoryview(target).toreadonly(), at, problem, limited, codec)


def _next_stream(view: memoryview, at: int, codec: str) -> int | None:
    """Offset of the stream that continues the file."""
    if codec == "joblib-zfile":
        return None
    while codec in _PADDED and at < len(view) and not view[at]:
        piece = bytes(view[at : at + _FIRST_PIECE])
        at += len(piece) - len(piece.lstrip(b"\0"))
    if at < len(view) and codec_of(view[at : at + (1 << 17)]) == codec:
        return at
    return None


def _stream(
    view: memoryview, start: int, codec: str, target: bytearray, most: int
) -> tuple[int, str | None]:
    """Inflate one stream: offset behind it, and what is wrong."""
    try:
        stream = open_stream(view, start, codec)
    except ERRORS as error:
        return start, f"its bytes are damaged: {error}"
    inflater, at, pending = stream.inflater, stream.start, stream.first
    size, begun, checksum = _FIRST_PIECE, len(target), 0
    while not inflater.eof:
        if inflater.needs_input:
            piece = bytes(view[at : at + size])
            if not piece and not pending:
                return at, "it is truncated"
            at += len(piece)
            pending += piece
        try:
            made = inflater.decompress(pending, min(_PIECE, most - len(target) + 1))
        except ERRORS as error:
            return at, f"its bytes are damaged: {error}"
        pending = b""
        if len(target) + len(made) > most:
            return at, LIMITED
        target += made
        checksum = zlib.crc32(made, checksum) if stream.trailer else 0
        size = min(2 * size, _PIECE)
    end = at - len(inflater.unused_data)
    stated = bytes(view[end : end + stream.trailer])
    problem = None
    if len(stated) < stream.trailer:
        problem = "it is truncated"
    elif stated and stated != struct.pack("<2I", checksum, len(target) - begun & 0xFFFFFFFF):
        problem = "its checksum is wrong"
    return end + len(stated), problem


def begins(view: memoryview, codec: str) -> bool:
    """Whether bytes begin a stream of a codec, and inflate to something."""
    return gives_something(view, codec)


__all__ = [
    "ERRORS",
    "LIMITED",
    "Account",
    "Inflated",
    "Inflater",
    "ZlibInflater",
    "begins",
    "codec_of",
    "inflate",
    "inflated",
]
