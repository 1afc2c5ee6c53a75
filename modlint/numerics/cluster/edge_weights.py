"""How much weight stays within clusters, and how much leaves them, with numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges, Pair
from modlint.results.clusters import EdgeWeights

ROUNDING = 1e-12
"""A share of a cluster's volume that leaves it and is smaller than this is rounding."""


def edge_weights(
    edges: Edges, labels: Mapping[str, Ints], k: int
) -> tuple[EdgeWeights, dict[str, EdgeWeights]]:
    """Of each cluster, and by group of the edges of each cluster's units there.

    Args:
        edges: between units that have a cluster.
        labels: by group, their clusters.
        k: how many clusters there are.
    """
    members = {name: own[:, None] == np.arange(k) for name, own in labels.items()}
    within: dict[Pair, Floats] = {
        (source, target): (members[source] * (weights @ members[target])).sum(0)
        for (source, target), weights in edges.between.items()
    }
    volumes = {name: edges.degrees[name] @ members[name] for name in labels}
    layers = {
        name: _of(volume, [(own, pair.count(name)) for pair, own in within.items() if name in pair])
        for name, volume in volumes.items()
    }
    volume = sum(volumes.values(), np.zeros(k))
    return _of(volume, [(own, 2) for own in within.values()]), layers


def _of(volume: Floats, parts: list[tuple[Floats, int]]) -> EdgeWeights:
    """Of a volume, and the weights within with how often each edge is in the volume."""
    within, counted = np.zeros(len(volume)), np.zeros(len(volume))
    for own, times in parts:
        within += own
        counted += times * own
    leaving = volume - counted
    leaving[leaving <= ROUNDING * volume] = 0
    return EdgeWeights(tuple(within.tolist()), tuple(leaving.tolist()))
