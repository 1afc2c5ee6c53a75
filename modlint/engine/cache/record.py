"""What is kept of a check, and when it may be."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from modlint.engine.cache.states import Seen
from modlint.engine.check import FileOutcome
from modlint.errors import Unavailable

_DIGEST = 16
_INTERNAL = b"internal error"
MOST_STATES = 4
"""Outcomes of one file that are kept: of as many states, as branches have it."""

_encoder = msgspec.msgpack.Encoder()
_outcome = msgspec.msgpack.Decoder(FileOutcome)


class Kept(Struct, frozen=True, array_like=True):
    """The outcome of a check.

    Attributes:
        seen: all that was looked at.
        outcome: what came of it, encoded.
    """

    seen: tuple[Seen, ...]
    outcome: bytes


_entry = msgspec.msgpack.Decoder(tuple[Kept, ...])


def packed(outcome: FileOutcome) -> bytes:
    """An outcome as bytes.

    Raises:
        Unavailable: it holds what the encoding does not.
    """
    try:
        return _encoder.encode(outcome)
    except (UnicodeError, TypeError, OverflowError, ValueError, RecursionError) as error:
        raise Unavailable(f"cannot be encoded: {error}") from error


def unpacked(data: bytes) -> FileOutcome:
    """The outcome that bytes hold.

    Raises:
        Unavailable: they are damaged.
    """
    try:
        return _outcome.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unavailable(f"is damaged: {error}") from error


def worth_keeping(outcome: FileOutcome, data: bytes) -> bool:
    """Whether the next check would give the same: what failed inside may not fail again."""
    return not (outcome.errors or outcome.notes or _INTERNAL in data)


def sealed(kept: tuple[Kept, ...], hashed: Any) -> bytes:
    """An entry of the cache: a digest, and what it is of."""
    body = _encoder.encode(kept)
    return bytes(hashed(body)) + body


def unsealed(entry: bytes | None, hashed: Any) -> tuple[Kept, ...]:
    """What an entry holds; nothing where it is damaged."""
    if entry is None or bytes(hashed(entry[_DIGEST:])) != entry[:_DIGEST]:
        return ()
    try:
        return _entry.decode(entry[_DIGEST:])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ()
