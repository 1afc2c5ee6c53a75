"""The spread of the scales of hidden units whose scale is free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch

from modlint.network import Group, Layer, Network
from modlint.numerics.graph.adjacency import adjacency, compact, live_vertices
from modlint.results.graphs import Graph
from modlint.results.units import GroupScale

MIN_FAN = 4
"""A unit of fewer weights in, or out, has no strength to speak of: ln of one random weight alone
has a standard deviation of 1."""

HOMOGENEOUS = frozenset({None, "relu", "leakyrelu", "prelu", "identity"})
"""Activations with f(cx) = c f(x) for c > 0, and the one that a file does not tell."""

_OF_THE_DATA = frozenset({"layer", "group", "rms"})


def unit_scales(network: Network, graph: Graph, device: torch.device) -> tuple[GroupScale, ...]:
    """The spread of ln(strength in / strength out) in each hidden group whose scale is free."""
    graph = compact(graph, live_vertices(adjacency(graph), device))
    groups = [group for group in network.groups if _is_free(network, group)]
    found = [_group_scale(network, group, graph) for group in groups]
    return tuple(spread for spread in found if spread.units > 1)


def _group_scale(network: Network, group: Group, graph: Graph) -> GroupScale:
    into = _sum(
        block.weights.sum(0, dtype=torch.float64)
        for block in graph.blocks
        if block.target == group.name
    )
    out = _sum(
        block.weights.sum(1, dtype=torch.float64)
        for block in graph.blocks
        if block.source == group.name
    )
    both = (into > 0) & (out > 0)
    ratios = (into[both] / out[both]).log()
    layer = next(layer.name for layer in network.layers if layer.target == group.name)
    spread = float(ratios.std(correction=0)) if len(ratios) else 0.0
    return GroupScale(group.name, layer, len(ratios), spread)


def _is_free(network: Network, group: Group) -> bool:
    """Whether scaling a unit's weights in and out inversely leaves the function unchanged."""
    drivers = [layer for layer in network.layers if layer.target == group.name]
    readers = [layer for layer in network.layers if layer.source == group.name]
    norms = [norm for layer in readers for norm in layer.input_norms]
    return (
        group.role == "hidden"
        and not group.exposed
        and bool(drivers and readers)
        and all(layer.activation in HOMOGENEOUS for layer in drivers)
        and not any(norm.kind in _OF_THE_DATA for norm in norms)
        and all(_weights(side) >= MIN_FAN * group.size for side in (drivers, readers))
    )


def _weights(layers: Sequence[Layer]) -> int:
    return sum(math.prod(layer.shape) for layer in layers)


def _sum(strengths: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(strengths)).sum(0)
