"""Rows of one magnitude and rows that are the same, found chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array, Chunk
from modlint.numerics.tensor.arrays import on_numpy
from modlint.numerics.tensor.chunks import CHUNK, sides
from modlint.results.rows import Rows

_Piece = tuple[slice, int, NDArray[Any], NDArray[Any]]
"""Rows, elements of each, the sums of their magnitudes and of the squares of these."""
_FLOOR = 1e-14
"""Relative rounding of the sums: a smaller variance is none."""
_PLAIN = 0.05
"""A variation that rounding in float32 does not make."""


class RowsSoFar:
    """What has been seen of a tensor, or of a part of it.

    A part is measured no further where most of its rows have several magnitudes.
    """

    def __init__(self, shape: tuple[int, ...], max_variation: float) -> None:
        self.height, width, depth = sides(shape)
        self.length = width * depth
        self.max_variation = max_variation
        self.pieces: list[_Piece] = []
        self.first: NDArray[Any] | None = None
        self.identical = self.length <= CHUNK  # a device's chunks are larger
        self.measuring = True
        self.several = self.seen = 0

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        if self.measuring:
            self._add_magnitudes(chunk)
        if self.identical:
            self._compare(chunk)

    def join(self, later: RowsSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        self.pieces += later.pieces
        self.identical = self.identical and later.identical
        if self.first is None:
            self.first = later.first
        elif self.identical and later.first is not None:
            self.identical = np.array_equal(self.first, later.first)

    def end(self) -> Rows:
        """The rows of all that was added."""
        means, variations = self._measured()
        even = np.flatnonzero(variations <= self.max_variation)
        scales = means[even]
        scale = float(np.median(scales)) if len(even) else 0.0
        ratios = np.abs(np.log(scales / scale)) if len(even) else scales
        zero = int((means == 0).sum())
        return Rows(
            rows=self.height,
            identical=self.identical and self.height > 0,
            even=len(even),
            uneven=self.height - zero - len(even),
            scale=scale,
            smallest=float(scales.min()) if len(even) else 0.0,
            largest=float(scales.max()) if len(even) else 0.0,
            outlying=int(even[ratios.argmax()]) if len(even) else None,
        )

    def _add_magnitudes(self, chunk: Chunk) -> None:
        """Add up the magnitudes of each row, in float64 where float32 does not settle it."""
        sums, squares, width = _sums(chunk.floats)
        if not (_variations(sums, squares, width) > max(_PLAIN, 2 * self.max_variation)).all():
            sums, squares, width = _sums(chunk.values)
            self.pieces.append((chunk.rows, width, sums, squares))
        # a zero row says nothing: its variation is NaN
        self.several += int((_variations(sums, squares, width) > self.max_variation).sum())
        self.seen += len(sums)
        self.measuring = 2 * self.several <= self.seen

    def _measured(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean magnitude and variation of each row; NaN where it was not wholly measured."""
        sums, squares = np.zeros(self.height), np.zeros(self.height)
        seen = np.zeros(self.height, dtype=np.int64)
        for rows, width, some, some_squares in self.pieces:
            seen[rows] += width
            sums[rows] += some
            squares[rows] += some_squares
        sums[seen < self.length] = np.nan
        return sums / max(self.length, 1), _variations(sums, squares, self.length)

    def _compare(self, chunk: Chunk) -> None:
        """Compare with the first row, as far as one chunk holds it."""
        values = _on_cpu(chunk.floats)
        if self.first is None:
            self.first = values[0].copy()
        if self.first.size < self.length:  # a row of several chunks: nobody has such tables
            self.identical = False
            return
        self.identical = bool((values == self.first).all())


def _sums(values: Array) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Of each row the sums of magnitudes and of their squares, and the number of elements."""
    with np.errstate(all="ignore"):
        magnitudes = abs(values).reshape(len(values), -1)
        squares = magnitudes * magnitudes
        return _on_cpu(magnitudes.sum(1)), _on_cpu(squares.sum(1)), magnitudes.shape[1]


def _on_cpu(values: Array) -> NDArray[Any]:
    array: NDArray[Any] = values if on_numpy(values) else values.cpu().numpy()
    return array


def _variations(sums: NDArray[Any], squares: NDArray[Any], length: int) -> NDArray[Any]:
    """Standard deviation relative to the mean, of rows of so many magnitudes."""
    with np.errstate(all="ignore"):
        means = sums / length
        relative = squares / length / (means * means) - 1
        return np.sqrt(np.where(relative < _FLOOR, 0.0 * relative, relative))
