"""A bipartite adjacency as the matrix B of [[0, B], [Bᵀ, 0]]: half the order, half the work."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.numerics.graph.adjacency import Adjacency
from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import beside, cast, device_of, library, turned
from modlint.numerics.tensor.product import product

Piece = tuple[slice, slice, Array]
"""Rows and columns of B that a block of weights takes."""


class Halves(Struct, frozen=True, eq=False):
    """B, of shape (…, vertices of the larger side, those of the smaller side), in dense blocks.

    Attributes:
        large: (rows,) numbers of the larger side's vertices in the graph.
        small: (columns,) numbers of the smaller side's.
        row_factors: (…, rows, 1) float64, by which the blocks' rows are multiplied.
        column_factors: (…, columns, 1) float64, likewise.
        pieces: the blocks, not yet multiplied.
    """

    large: Array
    small: Array
    row_factors: Array
    column_factors: Array
    pieces: tuple[Piece, ...]

    def times(self, x: Array) -> Array:
        """B x, x of shape (…, columns, any), in the precision of x."""
        x = x * cast(self.column_factors, x.dtype)
        result = self._zeros(len(self.large), x.shape[-1], x.dtype)
        for rows, columns, weights in self.pieces:
            result[..., rows, :] += product(weights, x[..., columns, :])
        result *= cast(self.row_factors, x.dtype)
        return result

    def transposed_times(self, x: Array) -> Array:
        """Bᵀ x, x of shape (…, rows, any), in the precision of x."""
        x = x * cast(self.row_factors, x.dtype)
        result = self._zeros(len(self.small), x.shape[-1], x.dtype)
        for rows, columns, weights in self.pieces:
            result[..., columns, :] += product(turned(weights), x[..., rows, :])
        result *= cast(self.column_factors, x.dtype)
        return result

    def gram(self, dtype: Any) -> Array:
        """BᵀB in a precision: (…, columns, columns)."""
        gram = self._zeros(len(self.small), len(self.small), dtype)
        factors = cast(self.row_factors, dtype)
        scaled = [(rows, at, cast(w, dtype) * factors[..., rows, :]) for rows, at, w in self.pieces]
        for number, (rows, left, weights) in enumerate(scaled):
            for others, right, other in scaled[: number + 1]:
                if rows == others:
                    inner = turned(weights) @ other
                    gram[..., left, right] += inner
                    if left != right:
                        gram[..., right, left] += turned(inner)
        sides = cast(self.column_factors, dtype)
        gram *= sides
        gram *= turned(sides)
        return gram

    def gram_cost(self) -> int:
        """Multiplications that `gram` takes."""
        widths: dict[int, int] = {}
        for rows, columns, _ in self.pieces:
            widths[rows.start] = widths.get(rows.start, 0) + columns.stop - columns.start
        heights = {rows.start: rows.stop - rows.start for rows, _, _ in self.pieces}
        return sum(heights[start] * width * width for start, width in widths.items())

    def edges(self) -> int:
        """Multiplications that a product with one column takes."""
        return sum(weights.shape[-2] * weights.shape[-1] for _, _, weights in self.pieces)

    def _zeros(self, rows: int, columns: int, dtype: Any) -> Array:
        factors = self.row_factors
        shape = (*factors.shape[:-2], rows, columns)
        return library(factors).zeros(shape, dtype=dtype, device=device_of(factors))


def halves(matrix: Adjacency, factors: Array) -> Halves | None:
    """The two sides of a graph whose rows and columns are multiplied by (…, vertices) factors.

    None where the graph has an odd cycle.
    """
    sides = matrix.sides()
    if sides is None:
        return None
    places = [_places(matrix, side) for side in sides]
    rows, columns = places
    pieces = []
    for (i, j), weights in matrix.blocks.items():
        if i in rows:
            pieces.append((rows[i], columns[j], weights))
        else:
            pieces.append((rows[j], columns[i], turned(weights)))
    large, small = (beside(_vertices(matrix, side), factors) for side in sides)
    return Halves(
        large,
        small,
        factors[..., large][..., None],
        factors[..., small][..., None],
        tuple(pieces),
    )


def _places(matrix: Adjacency, side: list[int]) -> dict[int, slice]:
    """By group, where its vertices stand on its side."""
    ends = accumulate(matrix.sizes[group] for group in side)
    return {g: slice(end - matrix.sizes[g], end) for g, end in zip(side, ends, strict=True)}


def _vertices(matrix: Adjacency, side: list[int]) -> NDArray[np.int64]:
    spans = [matrix.spans[group] for group in side]
    numbers = [np.arange(span.start, span.stop) for span in spans]
    return np.concatenate([np.empty(0, np.int64), *numbers])
