"""A tensor's elements a cache's worth at a time, converted only where that is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import fits_single, is_complex, on_numpy, single, wide, widen

CHUNK = 1 << 18
"""Elements per chunk: as float32 1 MiB, which the caches hold beside what measures them; of fewer,
threads would spend more time in turns at the interpreter."""

DEVICE_CHUNK = 1 << 24
"""The same on an accelerator, where a chunk's launch costs more than its elements."""

CHUNKS_OF_A_PART = 1 << 6
"""Chunks of a tensor that are measured together; what they give is then joined."""


class Chunk:
    """Some of a tensor's elements; implements `modlint.analysis.base.Chunk`."""

    __slots__ = ("_buffers", "_floats", "_values", "columns", "rows", "start", "stored")

    def __init__(
        self, stored: Array, rows: slice, columns: slice, start: int, buffers: _Buffers
    ) -> None:
        self.stored = stored
        self.rows = rows
        self.columns = columns
        self.start = start
        self._buffers = buffers
        self._floats: Array = None
        self._values: Array = None

    @property
    def floats(self) -> Array:
        """In float32 where that holds every value of the type, else as `values`."""
        if self._floats is None:
            exact = fits_single(self.stored)
            self._floats = self._buffers.single(self.stored) if exact else self.values
        return self._floats

    @property
    def values(self) -> Array:
        """In float64, or complex128."""
        if self._values is None:
            self._values = self._buffers.wide(self.stored)
        return self._values


class Grid:
    """How a tensor is cut into chunks: a block of its first two axes with all behind them each.

    Chunks follow each other in row-major order; only of one row are there parts of a row, and only
    of one element of the first two axes are there parts of that.
    """

    def __init__(self, shape: tuple[int, ...], size: int) -> None:
        self.sides = sides(shape)
        height, width, depth = self.sides
        c = max(1, min(depth, size))
        b = max(1, min(width, size // c)) if c == depth else 1
        a = max(1, size // (b * c)) if b == width and c == depth else 1
        self.steps = a, b, c
        self.counts = -(-height // a), -(-width // b), -(-depth // c)

    def __len__(self) -> int:
        """How many chunks there are."""
        return math.prod(self.counts)

    def place(self, index: int) -> tuple[slice, slice, slice]:
        """Where on the three sides the chunk of an index lies."""
        _, width, depth = self.counts
        places = index // (width * depth), index // depth % width, index % depth
        a, b, c = (
            slice(place * step, min((place + 1) * step, side))
            for place, step, side in zip(places, self.steps, self.sides, strict=True)
        )
        return a, b, c


def sides(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Sizes of the first axis, the second, and all others together; 0 without elements.

    Without elements the sizes of the other axes may be anything that a file states.
    """
    elements = math.prod(shape)
    if not elements:
        return 0, 0, 0
    height, width = (*shape, 1, 1)[:2]
    return height, width, elements // (height * width)


def chunks(values: Array) -> Iterator[Chunk]:
    """All of an array's elements in row-major order.

    What a chunk gives holds until the next is asked for.
    """
    grid = _grid(values)
    return within(values, grid, range(len(grid)))


def pieces(values: Array) -> Iterator[tuple[Array, slice, slice, int]]:
    """The same in float64: values, rows, columns, index of the first."""
    for chunk in chunks(values):
        yield chunk.values, chunk.rows, chunk.columns, chunk.start


def parts(values: Array) -> list[Iterator[Chunk]]:
    """The chunks of an array as runs, each of which may be walked beside the others.

    Where the runs end depends on nothing but the array's shape.
    """
    grid = _grid(values)
    every = range(len(grid))
    return [
        within(values, grid, every[first : first + CHUNKS_OF_A_PART])
        for first in every[::CHUNKS_OF_A_PART]
    ]


def _grid(values: Array) -> Grid:
    return Grid(tuple(values.shape), CHUNK if on_numpy(values) else DEVICE_CHUNK)


def within(values: Array, grid: Grid, indices: range) -> Iterator[Chunk]:
    """Some of the chunks into which an array's shape is cut."""
    _, width, depth = grid.sides
    if values.ndim < 2:
        values = values.reshape(-1, 1)
    buffers = _Buffers(values)
    for index in indices:
        rows, columns, rest = grid.place(index)
        block = values[rows, columns]
        block = block.reshape(*block.shape[:2], depth)[:, :, rest]
        start = (rows.start * width + columns.start) * depth + rest.start
        yield Chunk(block, rows, columns, start, buffers)


class _Buffers:
    """Where chunks of one tensor are widened: the same memory again, which the cache holds."""

    def __init__(self, values: Array) -> None:
        self._size = min(CHUNK, math.prod(values.shape))
        self._single: Array = None
        self._wide: Array = None

    def single(self, values: Array) -> Array:
        """The values in float32, not to be written to."""
        if not on_numpy(values) or values.dtype == np.float32:
            return single(values)
        if self._single is None:
            self._single = np.empty(self._size, np.float32)
        return _filled(self._single, values)

    def wide(self, values: Array) -> Array:
        """The values in float64 or complex128, not to be written to."""
        if not on_numpy(values):
            return wide(values)
        if values.dtype == np.float64:
            return values
        if self._wide is None:
            kind = np.complex128 if is_complex(values) else np.float64
            self._wide = np.empty(self._size, kind)
        return _filled(self._wide, values)


def _filled(buffer: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> Array:
    into: np.ndarray[Any, Any] = buffer[: values.size].reshape(values.shape)
    with np.errstate(all="ignore"):
        widened = widen(values, into).view()
    widened.flags.writeable = False
    return widened
