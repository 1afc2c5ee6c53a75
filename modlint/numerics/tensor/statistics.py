"""Tensor statistics, added up chunk by chunk."""

from __future__ import annotations

import math

import numpy as np

from modlint.numerics.inputs import Array, Chunk
from modlint.numerics.tensor.arrays import bounds, count, is_complex, on_numpy, where
from modlint.numerics.tensor.chunks import sides
from modlint.numerics.tensor.moments import Moments, moments
from modlint.results.statistics import Statistics


class StatisticsSoFar:
    """What has been seen of a tensor; the moments are those of the finite elements."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.matrix = len(shape) >= 2
        self.elements = math.prod(shape)
        height, width, _ = sides(shape) if self.matrix else (0, 0, 0)
        self.rows = np.zeros(height, dtype=bool)
        self.columns = np.zeros(width, dtype=bool)
        self.nan = self.positive_infinite = self.negative_infinite = 0
        self.first_non_finite: int | None = None
        self.zeros = 0
        self.minimum, self.maximum = math.inf, -math.inf
        self.moments = Moments()

    def add(self, chunk: Chunk) -> None:
        """Take in some elements; of complex ones the modulus, NaN where either part is NaN."""
        values = chunk.floats
        with np.errstate(all="ignore"):
            if is_complex(values):
                values = where(values != values, math.nan, abs(values))
            self._add_zeros(values, chunk.rows, chunk.columns)
            self._add_values(values.reshape(-1), chunk.start)

    def join(self, later: StatisticsSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        self.rows |= later.rows
        self.columns |= later.columns
        self.nan += later.nan
        self.positive_infinite += later.positive_infinite
        self.negative_infinite += later.negative_infinite
        if self.first_non_finite is None:
            self.first_non_finite = later.first_non_finite
        self.zeros += later.zeros
        self.minimum = min(self.minimum, later.minimum)
        self.maximum = max(self.maximum, later.maximum)
        self.moments = self.moments.joined(later.moments)

    def end(self) -> Statistics:
        """The statistics of all that was added."""
        some, matrix = self.moments.number > 0, self.matrix and self.elements > 0
        return Statistics(
            elements=self.elements,
            nan=self.nan,
            positive_infinite=self.positive_infinite,
            negative_infinite=self.negative_infinite,
            first_non_finite=self.first_non_finite,
            zeros=self.zeros,
            minimum=self.minimum if some else None,
            maximum=self.maximum if some else None,
            mean=self.moments.average if some else None,
            std=self.moments.std if some else None,
            zero_rows=tuple(np.flatnonzero(~self.rows).tolist()) if matrix else (),
            zero_columns=tuple(np.flatnonzero(~self.columns).tolist()) if matrix else (),
            rms=self.moments.rms if some else None,
            kurtosis=self.moments.kurtosis if some else None,
        )

    def _add_zeros(self, values: Array, rows: slice, columns: slice) -> None:
        """Count zeros and mark the rows and columns that hold anything else."""
        height, width, depth = values.shape
        cells = values != 0
        non_zero = count(cells)
        zeros = height * width * depth - non_zero
        self.zeros += zeros
        if not self.matrix or not non_zero:
            return
        if zeros < width * depth:
            self.rows[rows] = True
        else:
            self.rows[rows] |= _on_cpu(cells.reshape(height, -1).any(1))
        if zeros < height * depth:
            self.columns[columns] = True
        elif not self.columns[columns].all():
            self.columns[columns] |= _on_cpu(cells.any(0).any(1))

    def _add_values(self, values: Array, start: int) -> None:
        """Count what is not finite, and merge range and moments."""
        low, high = bounds(values)
        if not (math.isfinite(low) and math.isfinite(high)):
            values = self._set_aside_non_finite(values, start)
            if not len(values):
                return
            low, high = bounds(values)
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self.moments = self.moments.joined(moments(values, low, high))

    def _set_aside_non_finite(self, values: Array, start: int) -> Array:
        """Count what is not finite; return the elements that are."""
        finite = abs(values) < math.inf
        self.nan += count(values != values)
        self.positive_infinite += count(values == math.inf)
        self.negative_infinite += count(values == -math.inf)
        if self.first_non_finite is None:
            self.first_non_finite = start + int(_on_cpu(~finite).argmax())
        return values[finite]


def _on_cpu(mask: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    array: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    array = mask if on_numpy(mask) else mask.cpu().numpy()
    return array
