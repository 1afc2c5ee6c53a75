"""The spread of the scales of hidden units whose scale is free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import torch

from modlint.network import FIXED, Activation, Call, Group, Join, Network, Norm, Operation
from modlint.numerics.graph.adjacency import adjacency, compact, live_vertices
from modlint.results.graphs import Graph
from modlint.results.units import GroupScale

MIN_FAN = 4
"""A unit of fewer weights in, or out, has no strength to speak of: ln of one random weight alone
has a standard deviation of 1."""

HOMOGENEOUS = frozenset({"unknown", "relu", "leakyrelu", "prelu", "identity"})
"""Activations with f(cx) = c f(x) for c > 0, and the one that a file does not tell."""


def unit_scales(network: Network, graph: Graph, device: torch.device) -> tuple[GroupScale, ...]:
    """The spread of ln(strength in / strength out) in each hidden group whose scale is free."""
    graph = compact(graph, live_vertices(adjacency(graph), device))
    found = []
    for group in network.groups:
        drivers, others = _around(network, group)
        readers = [op for op in others if isinstance(op, Call)]
        if _is_free(network, group, drivers, others) and _are_wide(group, drivers, readers):
            found.append(_group_scale(group, drivers[0], graph))
    return tuple(spread for spread in found if spread.units > 1)


def _group_scale(group: Group, driver: Call, graph: Graph) -> GroupScale:
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
    spread = float(ratios.std(correction=0)) if len(ratios) else 0.0
    return GroupScale(group.name, driver.name, len(ratios), spread)


def _around(network: Network, group: Group) -> tuple[list[Call], list[Operation]]:
    """The calls that drive a group, and whatever reads a value of it."""
    drivers: list[Call] = []
    others: dict[str, Operation] = {}
    for value in network.values:
        if value.group != group.name:
            continue
        maker = network.makers.get(value.name)
        drivers += [maker] if isinstance(maker, Call) else []
        others |= {op.target: op for op in network.readers[value.name]}
    return drivers, list(others.values())


def _is_free(
    network: Network, group: Group, drivers: Sequence[Call], others: Sequence[Operation]
) -> bool:
    """Whether scaling a unit's weights in and out inversely leaves the function unchanged."""
    values = [value for value in network.values if value.group == group.name]
    return (
        group.role == "hidden"
        and bool(drivers)
        and not any(value.is_input or value.is_output or value.exposed for value in values)
        and not any(call.kind == "embedding" for call in drivers)
        and all(map(_is_homogeneous, others))
    )


def _is_homogeneous(op: Operation) -> bool:
    """Whether c times what it reads gives c times what it makes, for every c > 0."""
    if isinstance(op, Activation):
        return op.name in HOMOGENEOUS
    if isinstance(op, Join):
        return op.kind in ("sum", "product")
    return not isinstance(op, Norm) or op.kind in FIXED


def _are_wide(group: Group, drivers: Sequence[Call], readers: Sequence[Call]) -> bool:
    return bool(readers) and all(
        sum(prod(call.shape) for call in side) >= MIN_FAN * group.size
        for side in (drivers, readers)
    )


def _sum(strengths: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(strengths)).sum(0)
