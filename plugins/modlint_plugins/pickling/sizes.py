"""Products of sizes that a file states: a few bytes can state numbers that take for ever."""

from __future__ import annotations

from collections.abc import Iterable

MAX_RANK = 64
"""Axes of an array or a tensor; NumPy has no more."""
_CEILING = 1 << 63


def product(sizes: Iterable[int]) -> int:
    """The product, or some number of at least 2^63 where that is as much."""
    found = 1
    for rank, size in enumerate(sizes):
        if rank >= MAX_RANK or size >= _CEILING or found >= _CEILING:
            return _CEILING
        found *= size
    return found
