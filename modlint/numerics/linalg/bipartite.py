"""A bipartite adjacency as the matrix B of [[0, B], [Bᵀ, 0]]: half the order, half the work."""

from __future__ import annotations

from itertools import accumulate

import torch
from msgspec import Struct

from modlint.numerics.graph.adjacency import Adjacency
from modlint.numerics.tensor.product import product

Piece = tuple[slice, slice, torch.Tensor]
"""Rows and columns of B that a block of weights takes."""


class Halves(Struct, frozen=True, eq=False):
    """B, of shape (vertices of the larger side, vertices of the smaller side), in dense blocks.

    Attributes:
        large: (rows,) numbers of the larger side's vertices in the graph.
        small: (columns,) numbers of the smaller side's.
        row_factors: (rows, 1) float64, by which the blocks' rows are multiplied.
        column_factors: (columns, 1) float64, likewise.
        pieces: the blocks, not yet multiplied.
    """

    large: torch.Tensor
    small: torch.Tensor
    row_factors: torch.Tensor
    column_factors: torch.Tensor
    pieces: tuple[Piece, ...]

    def times(self, x: torch.Tensor) -> torch.Tensor:
        """B x, x of shape (columns, any), in the precision of x."""
        x = x * self.column_factors.to(x.dtype)
        result = x.new_zeros(len(self.large), x.shape[1])
        for rows, columns, weights in self.pieces:
            result[rows] += product(weights, x[columns])
        return result.mul_(self.row_factors.to(x.dtype))

    def transposed_times(self, x: torch.Tensor) -> torch.Tensor:
        """Bᵀ x, x of shape (rows, any), in the precision of x."""
        x = x * self.row_factors.to(x.dtype)
        result = x.new_zeros(len(self.small), x.shape[1])
        for rows, columns, weights in self.pieces:
            result[columns] += product(weights.T, x[rows])
        return result.mul_(self.column_factors.to(x.dtype))

    def gram(self, dtype: torch.dtype) -> torch.Tensor:
        """BᵀB in a precision."""
        order, factors = len(self.small), self.row_factors.to(dtype)
        gram = torch.zeros(order, order, dtype=dtype, device=self.small.device)
        scaled = [(rows, at, w.to(dtype) * factors[rows]) for rows, at, w in self.pieces]
        for number, (rows, left, weights) in enumerate(scaled):
            for others, right, other in scaled[: number + 1]:
                if rows == others:
                    inner = weights.T @ other
                    gram[left, right] += inner
                    if left != right:
                        gram[right, left] += inner.T
        sides = self.column_factors.to(dtype)
        return gram.mul_(sides).mul_(sides.T)

    def gram_cost(self) -> int:
        """Multiplications that `gram` takes."""
        widths: dict[int, int] = {}
        for rows, columns, _ in self.pieces:
            widths[rows.start] = widths.get(rows.start, 0) + columns.stop - columns.start
        heights = {rows.start: rows.stop - rows.start for rows, _, _ in self.pieces}
        return sum(heights[start] * width * width for start, width in widths.items())


def halves(matrix: Adjacency, factors: torch.Tensor) -> Halves | None:
    """The two sides of a graph whose rows and columns are multiplied by (vertices,) factors.

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
            pieces.append((rows[j], columns[i], weights.T))
    large, small = (_vertices(matrix, side) for side in sides)
    row_factors, column_factors = factors[large].unsqueeze(1), factors[small].unsqueeze(1)
    return Halves(large, small, row_factors, column_factors, tuple(pieces))


def _places(matrix: Adjacency, side: list[int]) -> dict[int, slice]:
    """By group, where its vertices stand on its side."""
    ends = accumulate(matrix.sizes[group] for group in side)
    return {g: slice(end - matrix.sizes[g], end) for g, end in zip(side, ends, strict=True)}


def _vertices(matrix: Adjacency, side: list[int]) -> torch.Tensor:
    spans = [matrix.spans[group] for group in side]
    numbers = [torch.arange(span.start, span.stop, device=matrix.device) for span in spans]
    return torch.cat(numbers) if numbers else torch.empty(0, dtype=torch.int64)
