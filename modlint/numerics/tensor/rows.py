"""Rows of one magnitude and rows that are the same, found chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array, Chunk
from modlint.numerics.tensor.arrays import on_numpy
from modlint.numerics.tensor.chunks import sides
from modlint.results.rows import Rows

_FLOOR = 1e-14
"""Relative rounding of the sums: a smaller variance is none."""


class RowsSoFar:
    """What has been seen of a tensor; what cannot hold any more is no longer measured."""

    def __init__(self, shape: tuple[int, ...], max_variation: float) -> None:
        self.height, width, depth = sides(shape)
        self.length = width * depth
        self.max_variation = max_variation
        self.sums = np.zeros(self.height)
        self.squares = np.zeros(self.height)
        self.first: NDArray[Any] | None = None
        self.identical = self.measuring = True
        self.several = self.seen = 0

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        if self.measuring:
            self._add_magnitudes(chunk)
        if self.identical:
            self._compare(chunk)

    def end(self) -> Rows:
        """The rows of all that was added."""
        even, uneven = self._kinds() if self.measuring else (np.zeros(0, int), self.height)
        scales = self.sums[even] / max(self.length, 1)
        scale = float(np.median(scales)) if len(even) else 0.0
        ratios = np.abs(np.log(scales / scale)) if len(even) else scales
        return Rows(
            rows=self.height,
            identical=self.identical and self.height > 0,
            even=len(even),
            uneven=uneven,
            scale=scale,
            smallest=float(scales.min()) if len(even) else 0.0,
            largest=float(scales.max()) if len(even) else 0.0,
            outlying=int(even[ratios.argmax()]) if len(even) else None,
        )

    def _add_magnitudes(self, chunk: Chunk) -> None:
        """Add up the magnitudes of each row; stop where most rows so far have several."""
        with np.errstate(all="ignore"):
            magnitudes = abs(chunk.values).reshape(len(chunk.values), -1)
            sums = _on_cpu(magnitudes.sum(1))
            squares = _on_cpu((magnitudes * magnitudes).sum(1))
        self.sums[chunk.rows] += sums
        self.squares[chunk.rows] += squares
        # a zero row says nothing: its variation is NaN
        several = _variations(sums, squares, magnitudes.shape[1]) > self.max_variation
        self.several += int(several.sum())
        self.seen += len(several)
        self.measuring = 2 * self.several <= self.seen

    def _kinds(self) -> tuple[NDArray[np.int_], int]:
        """Which rows have one magnitude, and how many have several."""
        variations = _variations(self.sums, self.squares, self.length)
        even = np.flatnonzero(variations <= self.max_variation)
        return even, self.height - int((self.sums == 0).sum()) - len(even)

    def _compare(self, chunk: Chunk) -> None:
        """Compare with the first row, as far as one chunk holds it."""
        values = chunk.values
        if self.first is None:
            self.first = _on_cpu(values[0]).copy()
        if self.first.size < self.length:  # a row of several chunks: nobody has such tables
            self.identical = False
            return
        kept = values if on_numpy(values) else _on_cpu(values)
        self.identical = bool((kept == self.first).all())


def _on_cpu(values: Array) -> NDArray[Any]:
    array: NDArray[Any] = values if on_numpy(values) else values.cpu().numpy()
    return array


def _variations(sums: NDArray[Any], squares: NDArray[Any], length: int) -> NDArray[Any]:
    """Standard deviation relative to the mean, of rows of so many magnitudes."""
    with np.errstate(all="ignore"):
        means = sums / length
        relative = squares / length / (means * means) - 1
        return np.sqrt(np.where(relative < _FLOOR, 0.0 * relative, relative))
