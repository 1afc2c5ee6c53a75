"""The spread of the scales of hidden units whose scale is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from modlint.network import FIXED, Activation, Call, Group, Join, Network, Norm, Operation
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.edges import Edges, edges_of, live_units
from modlint.results.graphs import Block, Graph
from modlint.results.units import GroupScale

MIN_FAN = 4
"""A unit of fewer weights in, or out, has no strength to speak of: ln of one random weight alone
has a standard deviation of 1."""

HOMOGENEOUS = frozenset({"unknown", "relu", "leakyrelu", "prelu", "identity"})
"""Activations with f(cx) = c f(x) for c > 0, and the one that a file does not tell."""


@np.errstate(all="ignore")
def unit_scales(
    network: Network, graph: Graph, carrying: Mapping[str, Mask]
) -> tuple[GroupScale, ...]:
    """The spread of ln(strength in / strength out) in each hidden group whose scale is free.

    Args:
        network: says which groups these are.
        graph: its weights, as numpy's arrays.
        carrying: by group, the units that carry something.
    """
    edges = _live(edges_of(graph.groups, (_only(block, carrying) for block in graph.blocks)))
    found = []
    for group in network.groups:
        drivers, others = _around(network, group)
        readers = [op for op in others if isinstance(op, Call)]
        if _is_free(network, group, drivers, others) and _are_wide(group, drivers, readers):
            found.append(_group_scale(group, drivers[0], edges))
    return tuple(spread for spread in found if spread.units > 1)


def _only(block: Block, carrying: Mapping[str, Mask]) -> tuple[str, str, Floats]:
    both = carrying[block.source][:, None] & carrying[block.target]
    return block.source, block.target, np.where(both, block.weights, 0).astype(np.float64)


def _live(edges: Edges) -> Edges:
    """The edges without those of isolated units."""
    live = live_units(edges)
    pairs = edges.between.items()
    return Edges(edges.sizes, {(a, b): w * live[a][:, None] * live[b] for (a, b), w in pairs})


def _group_scale(group: Group, driver: Call, edges: Edges) -> GroupScale:
    into, out = edges.into[group.name], edges.out[group.name]
    both = (into > 0) & (out > 0)
    ratios = np.log(into[both] / out[both])
    if not len(ratios):
        return GroupScale(group.name, driver.name, 0, 0.0, 0.0)
    offset = float(ratios.mean()) - _expected(group.name, edges)
    return GroupScale(group.name, driver.name, len(ratios), float(ratios.std()), offset)


def _expected(group: str, edges: Edges) -> float:
    """ln(strength in / strength out) where weights are as usual, 1/√(weights into a unit) each."""
    units = int(np.count_nonzero(edges.into[group]))
    leaving = sum(
        int(np.count_nonzero(weights)) / _fan_in(target, edges) ** 0.5
        for (source, target), weights in edges.between.items()
        if source == group
    )
    return float(np.log(_fan_in(group, edges) ** 0.5 * units / leaving))


def _fan_in(group: str, edges: Edges) -> float:
    """Mean number of weights into a unit of a group, over units that have some."""
    pairs = edges.between.items()
    entering = sum(int(np.count_nonzero(w)) for (_, target), w in pairs if target == group)
    return entering / max(1, int(np.count_nonzero(edges.into[group])))


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
