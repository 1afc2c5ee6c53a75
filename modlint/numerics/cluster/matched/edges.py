"""The balanced graph of what carries something, as one matrix for each pair of joined groups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.graph.balance import Balance, balanced_blocks, scalable
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats
from modlint.results.graphs import Block, Graph

ISOLATED = 1e-8
"""A unit is isolated when its strength is below this share of its group's mean strength."""

SWEEPS, NEAR = 5, 1e-3
"""After an exchange: most sweeps, and the ln(strength in / strength out) that is near enough."""

Pair = tuple[str, str]
"""A group that is read, and one that is driven."""


class Edges(Struct, frozen=True, eq=False, dict=True):
    """Weights between groups of units, all of them connected.

    Attributes:
        sizes: units left by group; groups of none are left out.
        between: by pair, the weights of all layers between the two added up: (in, out) float64. A
            unit's weight to itself is no edge, and zero.
    """

    sizes: Mapping[str, int]
    between: Mapping[Pair, Floats]

    @property
    def units(self) -> int:
        """Number of units."""
        return sum(self.sizes.values())

    @cached_property
    def into(self) -> dict[str, Floats]:
        """By group, each unit's weights in, added up."""
        return self._strengths(target=True)

    @cached_property
    def out(self) -> dict[str, Floats]:
        """By group, each unit's weights out, added up."""
        return self._strengths(target=False)

    @property
    def degrees(self) -> dict[str, Floats]:
        """By group, each unit's weights in and out, added up."""
        return {name: self.into[name] + self.out[name] for name in self.sizes}

    def _strengths(self, *, target: bool) -> dict[str, Floats]:
        found = {name: np.zeros(size) for name, size in self.sizes.items()}
        for pair, weights in self.between.items():
            found[pair[target]] += weights.sum(0 if target else 1)
        return found


def balanced_edges(
    network: Network, graph: Graph, carrying: Mapping[str, Mask]
) -> tuple[Edges, dict[str, Mask]]:
    """The graph of the units that carry something, balanced, and which units are left by group.

    Raises:
        Unavailable: its scales do not balance, or overflow.
    """
    kept = [_only(block, carrying) for block in graph.blocks]
    between: dict[Pair, Floats] = {}
    for block, weights in zip(
        graph.blocks, balanced_blocks(network, graph.groups, kept), strict=True
    ):
        pair = block.source, block.target
        between[pair] = between[pair] + weights if pair in between else weights
    for (source, target), weights in between.items():
        if source == target:
            np.fill_diagonal(weights, 0)
    if not all(np.isfinite(weights).all() for weights in between.values()):
        raise Unavailable("its weights are too far apart to be balanced")
    whole = Edges(graph.groups, between)
    live = _live(whole)
    return _compact(whole, live), live


def rebalanced(network: Network, edges: Edges) -> Edges:
    """The edges, balanced again but for what `SWEEPS` leave.

    Of all that are compared only the network would be balanced else, which alone sets it apart.
    """
    blocks = [(*pair, weights) for pair, weights in edges.between.items()]
    hidden = [name for name in scalable(network) if name in edges.sizes]
    balance = Balance(edges.sizes, blocks, hidden)
    for _ in range(SWEEPS):
        if balance.sweep() < NEAR:
            break
    between = {(block[0], block[1]): balance.scaled(block) for block in blocks}
    return Edges(edges.sizes, between)


def _only(block: Block, carrying: Mapping[str, Mask]) -> tuple[str, str, Floats]:
    """A block's groups and its weights, without those of units that carry nothing."""
    weights = np.array(block.weights, dtype=np.float64)
    weights[~carrying[block.source]] = 0
    weights[:, ~carrying[block.target]] = 0
    return block.source, block.target, weights


def _live(edges: Edges) -> dict[str, Mask]:
    """Which units are not isolated; removing one can isolate another, so it goes on."""
    live = {name: np.ones(size, bool) for name, size in edges.sizes.items()}
    degrees = edges.degrees
    while True:
        keep = {name: _connected(degrees[name], live[name]) for name in live}
        if all((keep[name] == live[name]).all() for name in live):
            return keep
        live = keep
        degrees = {name: np.zeros(size) for name, size in edges.sizes.items()}
        for (source, target), weights in edges.between.items():
            degrees[source] += live[source] * (weights @ live[target])
            degrees[target] += live[target] * (live[source] @ weights)


def _connected(degrees: Floats, live: Mask) -> Mask:
    mean = degrees.sum() / max(1, int(live.sum()))
    found: Mask = (degrees > 0) & (degrees >= ISOLATED * mean)
    return found


def _compact(edges: Edges, live: Mapping[str, Mask]) -> Edges:
    sizes = {name: int(mask.sum()) for name, mask in live.items() if mask.any()}
    between = {
        (source, target): np.ascontiguousarray(weights[live[source]][:, live[target]])
        for (source, target), weights in edges.between.items()
        if source in sizes and target in sizes
    }
    return Edges(sizes, between)
