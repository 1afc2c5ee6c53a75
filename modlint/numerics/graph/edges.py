"""A weight graph as one matrix for each pair of joined groups, with numpy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from msgspec import Struct

from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats

ISOLATED = 1e-8
"""A unit is isolated when its strength is below this share of its group's mean strength."""

Pair = tuple[str, str]
"""A group that is read, and one that is driven."""


class Edges(Struct, frozen=True, eq=False, dict=True):
    """Weights between groups of units.

    Attributes:
        sizes: units by group.
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


def edges_of(sizes: Mapping[str, int], blocks: Iterable[tuple[str, str, Floats]]) -> Edges:
    """Blocks between the same two groups added up.

    Args:
        sizes: units by group.
        blocks: the group that is read, the one that is driven, and weights (in, out) of their own.
    """
    between: dict[Pair, Floats] = {}
    for source, target, weights in blocks:
        pair = source, target
        between[pair] = between[pair] + weights if pair in between else weights
    for (source, target), weights in between.items():
        if source == target:
            np.fill_diagonal(weights, 0)
    return Edges(sizes, between)


def live_units(edges: Edges) -> dict[str, Mask]:
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


def compact(edges: Edges, live: Mapping[str, Mask]) -> Edges:
    """The edges of live units alone; groups of none are left out."""
    sizes = {name: int(mask.sum()) for name, mask in live.items() if mask.any()}
    between = {
        (source, target): np.ascontiguousarray(weights[live[source]][:, live[target]])
        for (source, target), weights in edges.between.items()
        if source in sizes and target in sizes
    }
    return Edges(sizes, between)
