"""A tensor's elements a cache's worth at a time, each converted once for all that measure them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import is_complex, on_numpy, wide, widen

CHUNK = 1 << 16
"""Elements per chunk: as float64 512 KiB, which a core's cache holds beside what measures them."""

DEVICE_CHUNK = 1 << 24
"""The same on an accelerator, where a chunk's launch costs more than its elements."""

Piece = tuple[Array, slice, slice, int]
"""Values (rows, columns, rest), where they are on the first two axes, index of the first."""


def sides(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Sizes of the first axis, the second, and all others together; 0 without elements.

    Without elements the sizes of the other axes may be anything that a file states.
    """
    elements = math.prod(shape)
    if not elements:
        return 0, 0, 0
    height, width = (*shape, 1, 1)[:2]
    return height, width, elements // (height * width)


def pieces(values: Array) -> Iterator[Piece]:
    """The elements in row-major order, in float64 or complex128.

    A piece's values hold until the next is asked for.
    """
    height, width, depth = sides(tuple(values.shape))
    if values.ndim < 2:
        values = values.reshape(-1, 1)
    size = CHUNK if on_numpy(values) else DEVICE_CHUNK
    buffer = _Buffer(values)
    c_step = max(1, min(depth, size))
    b_step = max(1, min(width, size // c_step)) if c_step == depth else 1
    a_step = max(1, size // (b_step * c_step)) if b_step == width and c_step == depth else 1
    for a in range(0, height, a_step):
        for b in range(0, width, b_step):
            rows, columns = slice(a, min(a + a_step, height)), slice(b, min(b + b_step, width))
            block = values[rows, columns]
            block = block.reshape(*block.shape[:2], depth)
            for c in range(0, depth, c_step):
                start = (a * width + b) * depth + c
                yield buffer.widened(block[:, :, c : c + c_step]), rows, columns, start


class _Buffer:
    """Where pieces of one tensor are widened: the same memory again, which the cache holds."""

    def __init__(self, values: Array) -> None:
        self.flat: Array = None
        if on_numpy(values) and values.dtype != np.float64:
            kind = np.complex128 if is_complex(values) else np.float64
            self.flat = np.empty(min(CHUNK, values.size), kind)

    def widened(self, values: Array) -> Array:
        """The values in float64 or complex128, not to be written to."""
        if self.flat is None:
            return values if on_numpy(values) else wide(values)
        into: np.ndarray[Any, Any] = self.flat[: values.size].reshape(values.shape)
        with np.errstate(all="ignore"):
            widened = widen(values, into).view()
        widened.flags.writeable = False
        return widened
