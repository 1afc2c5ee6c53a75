"""Two arrays of one shape, a cache's worth of both at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.tensor.arrays import COMPLEX32, widen

Numbers = NDArray[Any]

BLOCK = 1 << 16
"""Elements of a block."""
_SIDE = 256
"""Of a block along an axis, where an array is read across its rows."""
_SINGLE = frozenset({"float32", "bfloat16", "float16"})
"""Types whose elements float32 holds exactly; those of one byte too."""


def blocks(old: Numbers, new: Numbers) -> Iterator[tuple[Numbers, Numbers, int]]:
    """Blocks of both arrays, and the row-major index of each block's first element."""
    if old.flags.c_contiguous and new.flags.c_contiguous:
        old, new = old.reshape(-1), new.reshape(-1)
        for start in range(0, old.size, BLOCK):
            yield old[start : start + BLOCK], new[start : start + BLOCK], start
        return
    for index, start in _tiles(old.shape):
        yield old[index], new[index], start


def _tiles(shape: tuple[int, ...]) -> Iterator[tuple[tuple[slice, ...], int]]:
    """Boxes that cover an array, each of at most `BLOCK` elements, and where they begin."""
    sides, room = [], BLOCK
    for size in reversed(shape):
        sides.append(max(1, min(size, _SIDE, room)))
        room //= sides[-1]
    sides.reverse()
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    starts = (range(0, size, side) for size, side in zip(shape, sides, strict=True))
    for corner in itertools.product(*starts):
        index = tuple(slice(a, a + side) for a, side in zip(corner, sides, strict=True))
        yield index, sum(a * step for a, step in zip(corner, steps, strict=True))


def place(start: int, index: int, block: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """Row-major index, in an array, of an element of a block that begins at `start`."""
    if len(block) < 2:
        return start + index
    inner = np.unravel_index(index, block)
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return start + int(sum(int(a) * step for a, step in zip(inner, steps, strict=True)))


def precise(values: Numbers) -> bool:
    """Whether elements need float64: float32 does not hold them all."""
    dtype = values.dtype
    return not (dtype.name in _SINGLE or dtype.itemsize == 1 or dtype in (np.complex64, COMPLEX32))


def flat(block: Numbers, *, double: bool) -> Numbers:
    """A block's elements in float32 or float64, in a row; complex ones as their parts."""
    block = np.ascontiguousarray(block).reshape(-1)
    if block.dtype == COMPLEX32:
        block = block.view(np.float16)
    elif block.dtype.kind == "c":
        block = block.view(block.real.dtype)
    if double:
        return widen(block, np.empty(block.shape, np.float64))
    if block.dtype.name == "bfloat16":
        return (block.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return block.astype(np.float32, copy=False)


def codes(block: Numbers) -> Numbers | None:
    """The bits of a block's elements as unsigned integers; None of types of other sizes."""
    size = block.dtype.itemsize
    if size not in (1, 2, 4, 8) or block.dtype.kind in "Ob":
        return None
    return np.ascontiguousarray(block).reshape(-1).view(f"u{size}")


def same(old: Numbers, new: Numbers) -> bool:
    """Whether both have one type and the same bits; stops at the first difference."""
    if old.dtype != new.dtype or old.shape != new.shape:
        return False
    for x, y, _ in blocks(old, new):
        a, b = (np.ascontiguousarray(v).reshape(-1).view(np.uint8) for v in (x, y))
        if not len(a) % 8:
            a, b = a.view(np.uint64), b.view(np.uint64)
        if not np.array_equal(a, b):
            return False
    return True
