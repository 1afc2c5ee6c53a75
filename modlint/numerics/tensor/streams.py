"""The names of random streams, without the library that draws the numbers."""

from __future__ import annotations

import hashlib


def seed_of(purpose: str, *numbers: int) -> int:
    """The 64-bit seed of a stream.

    Args:
        purpose: what the numbers are for; different purposes give independent streams.
        numbers: integers of any size, in a fixed order.
    """
    text = "\0".join((purpose, *map(str, numbers)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
