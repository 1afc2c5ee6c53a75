"""Rows of an embedding table that no training has moved."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.sample import elements_at, rows_of, spread_columns
from modlint.results.embedding_rows import EmbeddingRowCounts

COLUMNS = 256
"""Columns over which distances are measured."""
NEAR = 0.1
"""Of the median distance to the mean row."""
_PIECE = 1 << 20
_MOST_GROUPS = 10_000

Floats = NDArray[np.float64]


def embedding_rows(values: Array, zero_rows: Sequence[int]) -> EmbeddingRowCounts:
    """Find the rows.

    Args:
        values: (rows, columns), finite.
        zero_rows: indices of the rows that are all zero.
    """
    rows, width = values.shape
    columns = spread_columns(width, COLUMNS)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = sum(piece.sum(0) for piece in _pieces(values, columns)) / rows
        distances = np.concatenate(
            [np.sqrt(np.mean((piece - mean) ** 2, axis=1)) for piece in _pieces(values, columns)]
        )
    keys = np.concatenate([_hashes(piece) for piece in _pieces(values, columns)])
    median = float(np.median(distances))
    zero = set(zero_rows)
    duplicates = tuple(_equal(values, keys, zero))
    told = zero.union(*duplicates)
    near = np.flatnonzero(distances < NEAR * median).tolist()
    others = tuple(row for row in near if row not in told)
    return EmbeddingRowCounts(rows, tuple(zero_rows), duplicates, others, median)


def _pieces(values: Array, columns: NDArray[np.int64]) -> Iterator[Floats]:
    step = max(1, _PIECE // len(columns))
    for start in range(0, len(values), step):
        yield rows_of(values, start, min(start + step, len(values)), columns)


def _hashes(piece: Floats) -> NDArray[np.uint64]:
    """A number for each row, the same for equal rows; −0 is 0."""
    factors = np.random.default_rng(0).integers(1 << 62, size=piece.shape[1], dtype=np.uint64)
    bits = (piece + 0.0).view(np.uint64)
    hashes: NDArray[np.uint64] = ((bits ^ (bits >> np.uint64(29))) * (2 * factors + 1)).sum(1)
    return hashes


def _equal(values: Array, keys: NDArray[np.uint64], zero: set[int]) -> Iterator[tuple[int, ...]]:
    """Groups of rows that are equal in every column."""
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    groups = defaultdict[int, list[int]](list)
    for row in np.flatnonzero(counts[inverse] > 1).tolist():
        if row not in zero:
            groups[int(inverse[row])].append(row)
    width = math.prod(values.shape[1:])
    for rows in list(groups.values())[:_MOST_GROUPS]:
        first = elements_at(values, rows[0] * width + np.arange(width))
        same = [
            row
            for row in rows
            if np.array_equal(first, elements_at(values, row * width + np.arange(width)))
        ]
        if len(same) > 1:
            yield tuple(same)
