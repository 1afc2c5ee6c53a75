"""The symmetric adjacency of a layered graph: dense blocks between groups, never one big matrix.

Vertices are numbered group after group, in the graph's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate

import torch
from msgspec import Struct
from msgspec.structs import replace

from modlint.numerics.tensor.product import product
from modlint.results.graphs import Block, Graph

ISOLATED = 1e-8
"""A vertex is isolated when its strength is below this share of the mean strength."""


class Adjacency(Struct, frozen=True, eq=False, dict=True):
    """A symmetric matrix of blocks.

    Attributes:
        sizes: vertices per group.
        blocks: by pair of groups (i ≤ j), the block of rows i and columns j, stored once for both
            directions; a block (i, i) is symmetric itself; all float32 or all float64.
    """

    sizes: tuple[int, ...]
    blocks: Mapping[tuple[int, int], torch.Tensor]

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
    def device(self) -> torch.device:
        """Where the blocks are; there is at least one."""
        return next(iter(self.blocks.values())).device

    @property
    def dtype(self) -> torch.dtype:
        """The blocks' precision."""
        return next(iter(self.blocks.values())).dtype

    def times(self, x: torch.Tensor) -> torch.Tensor:
        """The product with x, of shape (vertices, …), in the precision of x."""
        result = torch.zeros_like(x)
        for (i, j), weights in self.blocks.items():
            result[self.spans[i]] += product(weights, x[self.spans[j]])
            if i != j:
                result[self.spans[j]] += product(weights.T, x[self.spans[i]])
        return result

    @cached_property
    def degrees(self) -> torch.Tensor:
        """Row sums: (vertices,) float64."""
        sums = torch.zeros(self.vertices, dtype=torch.float64, device=self.device)
        for (i, j), weights in self.blocks.items():
            sums[self.spans[i]] += weights.sum(1, dtype=torch.float64)
            if i != j:
                sums[self.spans[j]] += weights.sum(0, dtype=torch.float64)
        return sums

    def dense(self) -> torch.Tensor:
        """The whole matrix, in float64."""
        order = self.vertices
        matrix = torch.zeros(order, order, dtype=torch.float64, device=self.device)
        for (i, j), weights in self.blocks.items():
            matrix[self.spans[i], self.spans[j]] = weights.to(matrix)
            matrix[self.spans[j], self.spans[i]] = weights.T.to(matrix)
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
    blocks: dict[tuple[int, int], torch.Tensor] = {}
    for block in graph.blocks:
        i, j, weights = index[block.source], index[block.target], block.weights
        if i > j:
            i, j, weights = j, i, weights.T
        elif i == j:
            weights = (weights + weights.T).fill_diagonal_(0)
        blocks[i, j] = blocks[i, j] + weights if (i, j) in blocks else weights
    return Adjacency(tuple(graph.groups.values()), blocks)


def live_vertices(matrix: Adjacency, device: torch.device) -> torch.Tensor:
    """Which vertices are not isolated: (vertices,) bool.

    Removing a vertex can isolate its neighbour, so it goes on until none is.
    """
    live = torch.ones(matrix.vertices, dtype=torch.float64, device=device)
    degree = matrix.degrees
    while True:
        keep = (degree > 0) & (degree >= ISOLATED * degree.sum() / live.sum())
        if keep.equal(live > 0):
            return keep
        live = keep.to(torch.float64)
        degree = live * matrix.times(live)


def compact(graph: Graph, live: torch.Tensor) -> Graph:
    """The subgraph of the live vertices, given as (vertices,) bool; itself where all are."""
    if bool(live.all()):
        return graph
    masks = dict(zip(graph.groups, torch.split(live, list(graph.groups.values())), strict=True))
    groups = {name: int(mask.sum()) for name, mask in masks.items()}
    return Graph(groups, tuple(_compact_block(block, masks) for block in graph.blocks))


def _compact_block(block: Block, live: Mapping[str, torch.Tensor]) -> Block:
    rows, columns = live[block.source], live[block.target]
    mask = None if block.mask is None else block.mask[rows][:, columns]
    weights = block.weights[rows][:, columns]
    return replace(block, weights=weights, mask=mask, live=(rows, columns))
