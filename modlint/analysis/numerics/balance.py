"""Strengths of units, their spread, and the graph in which those in equal those out.

Balancing is that of Osborne, On Pre-Conditioning of Matrices, J. ACM 7 (1960), with the scales of
inputs and outputs held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from modlint.analysis import Inputs
from modlint.analysis.graphs import CarryingGraph
from modlint.analysis.numerics.adjacency import adjacency, compact, live_vertices
from modlint.analysis.scales import GroupScale
from modlint.analysis.weights import Block, Graph, WeightGraph
from modlint.network import Group, Layer, Network

TOLERANCE = 1e-9
"""Of ln(strength in / strength out), at which a graph is balanced."""

MAX_SWEEPS = 1000

MIN_FAN = 4
"""A unit of fewer weights in, or out, has no strength to speak of: ln of one random weight alone
has a standard deviation of 1."""

HOMOGENEOUS = frozenset({None, "relu", "leakyrelu", "prelu", "identity"})
"""Activations with f(cx) = c f(x) for c > 0, and the one that a file does not tell."""

_OF_THE_DATA = frozenset({"layer", "group", "rms"})


def unit_scales(network: Network, inputs: Inputs) -> tuple[GroupScale, ...]:
    """The spread of ln(strength in / strength out) in each hidden group whose scale is free.

    Raises:
        Unavailable: the weight graph has none.
    """
    graph = inputs.result(CarryingGraph())
    graph = compact(graph, live_vertices(adjacency(graph), inputs.device))
    scale = _ones(graph, inputs.device)
    found = (
        _group_scale(network, group, graph, scale)
        for group in network.groups
        if _is_free(network, group)
    )
    return tuple(spread for spread in found if spread.units > 1)


def _group_scale(
    network: Network, group: Group, graph: Graph, scale: Mapping[str, torch.Tensor]
) -> GroupScale:
    into, out = _strengths(graph, group.name, scale)
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


def balanced_graph(network: Network, inputs: Inputs) -> Graph:
    """The weight graph with hidden units scaled until strengths in and out are equal.

    Groups take turns, forth and back; each step minimises the sum of weights over one group.

    Raises:
        Unavailable: the weight graph has none.
    """
    graph = inputs.result(WeightGraph())
    scale = _ones(graph, inputs.device)
    hidden = [group.name for group in network.groups if group.role == "hidden"]
    for _ in range(MAX_SWEEPS):
        if max((_balance(graph, name, scale) for name in hidden), default=0.0) < TOLERANCE:
            break
        hidden.reverse()
    return Graph(graph.groups, tuple(_scaled(block, scale) for block in graph.blocks))


def _balance(graph: Graph, group: str, scale: dict[str, torch.Tensor]) -> float:
    """Balance one group's units in place; the largest |ln(strength in / strength out)| before."""
    into, out = _strengths(graph, group, scale)
    both = (into > 0) & (out > 0)
    ratios = torch.where(both, (out / into).log(), 0.0)
    # units that are joined to one another move at once: a full step would overshoot
    joined = any(block.source == block.target == group for block in graph.blocks)
    scale[group] = scale[group] * (ratios / (4 if joined else 2)).exp()
    return float(ratios.abs().max()) if len(ratios) else 0.0


def _strengths(
    graph: Graph, group: str, scale: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights into and out of each unit, added up, where each unit is scaled."""
    into, out = torch.zeros_like(scale[group]), torch.zeros_like(scale[group])
    for block in graph.blocks:
        if block.target == group:
            into += (1 / scale[block.source]) @ block.weights * scale[group]
        if block.source == group:
            out += block.weights @ scale[block.target] / scale[group]
    return into, out


def _scaled(block: Block, scale: Mapping[str, torch.Tensor]) -> Block:
    weights = block.weights / scale[block.source].unsqueeze(1) * scale[block.target]
    return replace(block, weights=weights)


def _ones(graph: Graph, device: torch.device) -> dict[str, torch.Tensor]:
    return {
        name: torch.ones(size, dtype=torch.float64, device=device)
        for name, size in graph.groups.items()
    }
