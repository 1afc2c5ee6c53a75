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
from typing import Protocol

from msgspec import Struct

from modlint_plugins.archives.streams import (
    ERRORS,
    FIRST_PIECE,
    PIECE,
    StreamReader,
    codec_of,
    open_stream,
    pieces,
)

MAX_STREAMS = 100_000
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


class Inflated(Struct, frozen=True):
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
    while problem is None and streams < MAX_STREAMS:
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
        piece = bytes(view[at : at + FIRST_PIECE])
        at += len(piece) - len(piece.lstrip(b"\0"))
    if at < len(view) and codec_of(view[at : at + (1 << 17)]) == codec:
        return at
    return None


def _stream(
    view: memoryview, start: int, codec: str, target: bytearray, most: int
) -> tuple[int, str | None]:
    """Inflate one stream: offset behind it, and what is wrong."""

    def opened() -> StreamReader:
        return StreamReader(view, open_stream(view, start, codec))

    begun, checksum = len(target), 0
    try:
        reader = opened()
    except ERRORS as error:
        return start, f"its bytes are damaged: {error}"
    problem = None
    try:
        for made in pieces(reader, opened, most - begun + 1, PIECE):
            target += made
            checksum = zlib.crc32(made, checksum)
    except ERRORS as error:
        problem = f"its bytes are damaged: {error}"
    if len(target) > most:
        del target[most:]
        return reader.at, LIMITED
    if problem is None and not reader.ended:
        problem = "it is truncated"
    if problem is not None:
        return reader.at, problem
    return _checked(view, reader, checksum, len(target) - begun)


def _checked(
    view: memoryview, reader: StreamReader, checksum: int, nbytes: int
) -> tuple[int, str | None]:
    """Offset behind a stream's trailer, and whether that agrees with what was inflated."""
    end = reader.end
    length = reader.stream.trailer
    stated = bytes(view[end : end + length])
    problem = None
    if len(stated) < length:
        problem = "it is truncated"
    elif stated and stated != struct.pack("<2I", checksum, nbytes & 0xFFFFFFFF):
        problem = "its checksum is wrong"
    return end + len(stated), problem
