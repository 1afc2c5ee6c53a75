"""The symmetric adjacency of a layered graph: dense blocks between groups, never one big matrix.

Vertices are numbered group after group, in the graph's order. Several graphs of the same shape may
stand in one, their blocks stacked along a first axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import cast, device_of, library, turned
from modlint.numerics.tensor.product import product
from modlint.results.graphs import Block, Graph

ISOLATED = 1e-8
"""A vertex is isolated when its strength is below this share of its group's mean strength."""


class Adjacency(Struct, frozen=True, eq=False, dict=True):
    """A symmetric matrix of blocks, or several with the same groups.

    Attributes:
        sizes: vertices per group.
        blocks: by pair of groups (i ≤ j), the block of rows i and columns j, (…, rows, columns),
            stored once for both directions; a block (i, i) is symmetric itself; all float32 or all
            float64.
    """

    sizes: tuple[int, ...]
    blocks: Mapping[tuple[int, int], Array]

    @cached_property
    def spans(self) -> tuple[slice, ...]:
        """Each group's vertices."""
        ends = accumulate(self.sizes)
        return tuple(slice(end - n, end) for n, end in zip(self.sizes, ends, strict=True))

    @property
    def vertices(self) -> int:
        """Number of vertices."""
        return sum(self.sizes)

    @property
    def first(self) -> Array:
        """A block, of which there is at least one: it says where all are, and in what precision."""
        return next(iter(self.blocks.values()))

    @property
    def library(self) -> Any:
        """The functions for its blocks."""
        return library(self.first)

    def zeros(self, *shape: int, dtype: Any = None) -> Array:
        """Zeros where the blocks are, for each graph: (…, *shape), float64 but where it is said."""
        first, xp = self.first, self.library
        whole = (*first.shape[:-2], *shape)
        return xp.zeros(whole, dtype=dtype or xp.float64, device=device_of(first))

    def times(self, x: Array) -> Array:
        """The product with x, of shape (…, vertices, any), in the precision of x."""
        result = self.zeros(self.vertices, x.shape[-1], dtype=x.dtype)
        for (i, j), weights in self.blocks.items():
            rows, columns = self.spans[i], self.spans[j]
            result[..., rows, :] += product(weights, x[..., columns, :])
            if i != j:
                result[..., columns, :] += product(turned(weights), x[..., rows, :])
        return result

    @cached_property
    def degrees(self) -> Array:
        """Row sums: (…, vertices) float64."""
        xp, sums = self.library, self.zeros(self.vertices)
        for (i, j), weights in self.blocks.items():
            sums[..., self.spans[i]] += xp.sum(weights, axis=-1, dtype=xp.float64)
            if i != j:
                sums[..., self.spans[j]] += xp.sum(weights, axis=-2, dtype=xp.float64)
        return sums

    def dense(self) -> Array:
        """The whole matrix, in float64."""
        matrix = self.zeros(self.vertices, self.vertices)
        for (i, j), weights in self.blocks.items():
            matrix[..., self.spans[i], self.spans[j]] = cast(weights, matrix.dtype)
            matrix[..., self.spans[j], self.spans[i]] = cast(turned(weights), matrix.dtype)
        return matrix

    def sides(self) -> tuple[list[int], list[int]] | None:
        """The groups of either colour, the side of more vertices first; None for odd cycles."""
        colour: dict[int, int] = {}
        for root in range(len(self.sizes)):
            if root not in colour and not self._colour_from(root, colour):
                return None
        sides = [[group for group in sorted(colour) if colour[group] == c] for c in (0, 1)]
        sides.sort(key=lambda groups: -sum(self.sizes[group] for group in groups))
        return sides[0], sides[1]

    def _colour_from(self, root: int, colour: dict[int, int]) -> bool:
        """Colour the component of `root`; whether two colours do."""
        colour[root] = 0
        queue = [root]
        while queue:
            group = queue.pop()
            for pair in self.blocks:
                if group not in pair:
                    continue
                other = pair[0] + pair[1] - group
                if other not in colour:
                    queue.append(other)
                if colour.setdefault(other, 1 - colour[group]) == colour[group]:
                    return False
        return True


def adjacency(graph: Graph) -> Adjacency:
    """The adjacency of a graph: blocks between the same two groups add, self-loops are dropped."""
    index = {name: i for i, name in enumerate(graph.groups)}
    blocks: dict[tuple[int, int], Array] = {}
    for block in graph.blocks:
        i, j, weights = index[block.source], index[block.target], block.weights
        if i > j:
            i, j, weights = j, i, turned(weights)
        elif i == j:
            weights = _both_ways(weights)
        blocks[i, j] = blocks[i, j] + weights if (i, j) in blocks else weights
    return Adjacency(tuple(graph.groups.values()), blocks)


def _both_ways(weights: Array) -> Array:
    xp = library(weights)
    itself = xp.eye(weights.shape[-1], dtype=xp.bool, device=device_of(weights))
    return xp.where(itself, xp.zeros_like(weights), weights + turned(weights))


def live_vertices(matrix: Adjacency) -> Array:
    """Which vertices are not isolated: (…, vertices) bool.

    Removing a vertex can isolate its neighbour, so it goes on until none is.
    """
    live, degree = matrix.zeros(matrix.vertices) + 1, matrix.degrees
    while True:
        keep = (degree > 0) & (degree >= ISOLATED * _group_means(matrix, degree, live))
        if bool((keep == (live > 0)).all()):
            return keep
        live = cast(keep, degree.dtype)
        degree = live * matrix.times(live[..., None])[..., 0]


def _group_means(matrix: Adjacency, degree: Array, live: Array) -> Array:
    """The mean degree over the live vertices of each vertex' group: (…, vertices)."""
    xp, means = matrix.library, matrix.zeros(matrix.vertices)
    for span in matrix.spans:
        number = xp.sum(live[..., span], axis=-1, keepdims=True)
        total = xp.sum(degree[..., span], axis=-1, keepdims=True)
        means[..., span] = total / xp.where(number > 1, number, xp.ones_like(number))
    return means


def compact(graph: Graph, live: Array) -> Graph:
    """The subgraph of the live vertices, given as (vertices,) bool; itself where all are."""
    if bool(live.all()):
        return graph
    ends = list(accumulate(graph.groups.values()))
    spans = zip(graph.groups, [0, *ends], ends, strict=False)
    masks = {name: live[start:end] for name, start, end in spans}
    groups = {name: int(mask.sum()) for name, mask in masks.items()}
    return Graph(groups, tuple(_compact_block(block, masks) for block in graph.blocks))


def _compact_block(block: Block, live: Mapping[str, Array]) -> Block:
    rows, columns = live[block.source], live[block.target]
    mask = None if block.mask is None else block.mask[rows][:, columns]
    weights = block.weights[rows][:, columns]
    return replace(block, weights=weights, mask=mask)
