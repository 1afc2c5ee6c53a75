"""Tensor statistics, added up chunk by chunk."""

from __future__ import annotations

import math

import numpy as np

from modlint.numerics.inputs import Array, Chunk
from modlint.numerics.tensor.arrays import (
    bounds,
    count,
    is_complex,
    on_numpy,
    sum_of,
    sum_of_squares,
    where,
)
from modlint.numerics.tensor.chunks import sides
from modlint.results.statistics import Statistics

CENTRED = 16.0
"""Above so many variances the square of a chunk's mean takes digits from Σx²: the mean is then
subtracted first."""


class StatisticsSoFar:
    """What has been seen of a tensor; the moments are those of the finite elements."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.matrix = len(shape) >= 2
        self.elements = math.prod(shape)
        height, width, _ = sides(shape)
        self.rows = np.zeros(height, dtype=bool)
        self.columns = np.zeros(width, dtype=bool)
        self.nan = self.positive_infinite = self.negative_infinite = 0
        self.first_non_finite: int | None = None
        self.zeros = self.finite = 0
        self.minimum, self.maximum = math.inf, -math.inf
        self.mean = self.squares = 0.0

    def add(self, chunk: Chunk) -> None:
        """Take in some elements; of complex ones the modulus, NaN where either part is NaN."""
        values = chunk.values
        with np.errstate(all="ignore"):
            if is_complex(values):
                values = where(values != values, math.nan, abs(values))
            self._add_zeros(values, chunk.rows, chunk.columns)
            self._add_values(values.reshape(-1), chunk.start)

    def end(self) -> Statistics:
        """The statistics of all that was added."""
        some, matrix = self.finite > 0, self.matrix and self.elements > 0
        return Statistics(
            elements=self.elements,
            nan=self.nan,
            positive_infinite=self.positive_infinite,
            negative_infinite=self.negative_infinite,
            first_non_finite=self.first_non_finite,
            zeros=self.zeros,
            minimum=self.minimum if some else None,
            maximum=self.maximum if some else None,
            mean=self.mean if some else None,
            std=math.sqrt(self.squares / self.finite) if some else None,
            zero_rows=tuple(np.flatnonzero(~self.rows).tolist()) if matrix else (),
            zero_columns=tuple(np.flatnonzero(~self.columns).tolist()) if matrix else (),
        )

    def _add_zeros(self, values: Array, rows: slice, columns: slice) -> None:
        """Count zeros and mark the rows and columns that hold anything else."""
        elements = math.prod(values.shape)
        cells = values != 0
        non_zero = count(cells)
        self.zeros += elements - non_zero
        if non_zero == elements:
            self.rows[rows] = True
            self.columns[columns] = True
        elif non_zero:
            cells = cells.any(2)
            self.rows[rows] |= _on_cpu(cells.any(1))
            self.columns[columns] |= _on_cpu(cells.any(0))

    def _add_values(self, values: Array, start: int) -> None:
        """Count what is not finite, and merge range and moments (Chan, Golub & LeVeque 1979)."""
        low, high = bounds(values)
        if not (math.isfinite(low) and math.isfinite(high)):
            values = self._set_aside_non_finite(values, start)
            if not len(values):
                return
            low, high = bounds(values)
        number = len(values)
        mean = sum_of(values) / number
        squares = sum_of_squares(values) - number * mean * mean
        if not number * mean * mean <= CENTRED * squares:
            squares = sum_of_squares(values - mean)
        delta, before = mean - self.mean, self.finite
        self.finite += number
        self.mean += delta * (number / self.finite)
        self.squares += squares + delta * delta * (before / self.finite) * number
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)

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
