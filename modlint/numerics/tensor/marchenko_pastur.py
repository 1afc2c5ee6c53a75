"""The largest eigenvalue of a random matrix, and how far a weight's lies above it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.sample import elements_at, spread_indices

MOST = 512
"""Rows and columns that are taken of a matrix."""


def spectral_excess(values: Array) -> float | None:
    """How many Tracy–Widom scales the largest eigenvalue lies above the Marchenko–Pastur edge.

    Johnstone 2001: of an (n, p) matrix of independent elements of variance 1 the largest
    eigenvalue of W·Wᵀ has its centre at μ = (√(n − 1) + √p)² and the scale
    (√(n − 1) + √p)·(1/√(n − 1) + 1/√p)^⅓.

    Args:
        values: of any shape; the first axis is that of the rows, all others that of the columns.

    Returns:
        None of what has fewer than two rows or columns, is not finite, or is zero.
    """
    matrix = _submatrix(values)
    if matrix is None:
        return None
    if len(matrix) > matrix.shape[1]:
        matrix = matrix.T
    with np.errstate(over="ignore"):
        variance = float(np.mean(matrix * matrix))
    if not 0 < variance < math.inf:
        return None
    largest = float(np.linalg.eigvalsh(matrix @ matrix.T / variance)[-1])
    n, p = math.sqrt(max(matrix.shape) - 1), math.sqrt(min(matrix.shape))
    return (largest - (n + p) ** 2) / ((n + p) * math.cbrt(1 / n + 1 / p))


def _submatrix(values: Array) -> NDArray[np.float64] | None:
    if values.ndim < 2 or len(values) < 2:
        return None
    columns = math.prod(values.shape[1:])
    if columns < 2:
        return None
    rows = spread_indices(len(values), MOST)
    return elements_at(values, rows[:, None] * columns + spread_indices(columns, MOST))
