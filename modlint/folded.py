"""Runs of alike blocks in a sequence, each told once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

LONGEST_BLOCK = 80
"""Items of a block that repeats."""


class Run(Struct, Generic[T], frozen=True):
    """Items, and the copies of them that follow."""

    items: tuple[T, ...]
    copies: tuple[tuple[T, ...], ...] = ()


def folded(items: Sequence[T], signature: Callable[[T], Hashable]) -> list[Run[T]]:
    """The items in order, a run of blocks with equal signatures as one."""
    signatures = [signature(item) for item in items]
    runs: list[Run[T]] = []
    at = start = 0
    while at < len(items):
        length, times = _repeat(signatures, at)
        if times > 1:
            ends = range(at, at + length * times + 1, length)
            blocks = [tuple(items[one:other]) for one, other in pairwise(ends)]
            runs += [Run(tuple(items[start:at]))] if start < at else []
            runs.append(Run(blocks[0], tuple(blocks[1:])))
            start = at + length * times
        at += length * times
    return [*runs, Run(tuple(items[start:]))] if start < at else runs


def _repeat(signatures: Sequence[Hashable], at: int) -> tuple[int, int]:
    """Length and number of the blocks that cover most from here on; (1, 1) where none repeats."""
    best = 1, 1
    for length in range(1, min(LONGEST_BLOCK, (len(signatures) - at) // 2) + 1):
        block, times = signatures[at : at + length], 1
        while signatures[at + times * length : at + (times + 1) * length] == block:
            times += 1
        if times > 1 and times * length > best[0] * best[1]:
            best = length, times
    return best
