"""Synaptic flow through a network: Tanaka et al., arXiv 2006.05467, section 4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from modlint.network import Call, Join, Network
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, neurons_of, reads_of, touches
from modlint.numerics.graph.flow_walk import FlowWalk
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import indices
from modlint.numerics.tensor.scaled import Scaled, total
from modlint.results.units import Flows, FlowShare, GroupFlow, LayerUnits


@np.errstate(all="ignore")
def measure_flow(network: Network, inputs: Inputs) -> Flows:
    """F, B and φ on the network's operations.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says.
    """
    walk = FlowWalk(network, inputs)
    walk.forward()
    walk.backward()
    return Flows(units=_units(network, walk), forward=walk.read, backward=walk.taken)


def _units(network: Network, walk: FlowWalk) -> dict[str, Floats]:
    """φ over its mean, by group: of what starts there, and of what arrives from calls."""
    parts: dict[str, list[Scaled]] = {}
    touched = {name for call in network.calls for name in touches(call)}
    groups = {network.value(name).group for name in touched}
    for value in network.values:
        op = network.makers.get(value.name)
        if value.group in groups and (op is None or isinstance(op, Call)):
            flow = walk.given[value.name].times(walk.returned[value.name])
            size = network.group(value.group).size
            of_neurons = Scaled.of(np.bincount(neurons_of(value), flow.values, size), flow.log)
            parts.setdefault(value.group, []).append(of_neurons)
    flows = {
        name: total(found, np.zeros(network.group(name).size)).values
        for name, found in parts.items()
    }
    ends = _ends(network)
    return {name: _over_means(flow, ends[name]) for name, flow in flows.items()}


def _ends(network: Network) -> dict[str, Mask]:
    """By group, which neurons' flow ends before the output: as a query, or where nothing follows.

    Their B is 1 by definition, and is not to be compared with that of neurons beside them (the
    values of a fused projection), through whose ways to the output it may be any number.
    """
    found = {group.name: np.full(group.size, False) for group in network.groups}
    for value in network.values:
        if value.exposed:
            found[value.group][neurons_of(value)] = True
    for op in network.operations:
        if isinstance(op, Join) and op.kind == "meeting":
            for read in reads_of(op.reads):
                value = network.value(read.value)
                found[value.group][neurons_of(value)[read.channels]] = True
    return found


def _over_means(flow: Floats, ends: Mask) -> Floats:
    """Each neuron's flow over the mean of those whose flow ends as its own does."""
    relative = np.zeros_like(flow)
    for mask in (ends, ~ends):
        if flow[mask].any():
            relative[mask] = flow[mask] / flow[mask].mean()
    return relative


def carrying(network: Network, flows: Flows, threshold: float) -> dict[str, Mask]:
    """By group, which neurons' flow is not negligible; what no layer touches counts as carrying."""
    whole = {group.name: np.ones(group.size) for group in network.groups}
    return {name: flow >= threshold for name, flow in (whole | flows.units).items()}


def negligible_units(
    flows: Flows, groups: Iterable[LayerUnits], threshold: float
) -> tuple[GroupFlow, ...]:
    """The units of each hidden group that carry nothing, in topological order."""
    return tuple(_group_flow(units, flows.units[units.group], threshold) for units in groups)


def _group_flow(units: LayerUnits, flow: Floats, threshold: float) -> GroupFlow:
    unconnected = sorted({*units.silent, *units.constant})
    connected = flow == flow
    connected[unconnected] = False
    return GroupFlow(
        group=units.group,
        layer=units.layer,
        total=units.total,
        negligible=indices(connected & (flow < threshold)),
        unconnected=tuple(unconnected),
        smallest=float(flow[connected].min()) if connected.any() else None,
    )


def flow_shares(
    network: Network, flows: Flows, groups: Iterable[LayerUnits]
) -> tuple[FlowShare, ...]:
    """How the flow of each hidden group but the residual streams spreads over its units."""
    ends = _ends(network)
    return tuple(
        share
        for units in groups
        if units.group not in network.streams
        for share in _shares(units, flows.units[units.group], ends[units.group])
    )


def _shares(units: LayerUnits, flow: Floats, ends: Mask) -> Iterator[FlowShare]:
    """Of the units whose flow ends before the output, and of the others."""
    connected = np.full(units.total, True)
    connected[[*units.silent, *units.constant]] = False
    for mask in (ends, ~ends):
        own = np.where(mask & connected, flow, 0.0)
        if not own.any():
            continue
        number, unit = int((mask & connected).sum()), int(own.argmax())
        yield FlowShare(
            group=units.group,
            layer=units.layer,
            total=int(mask.sum()),
            connected=number,
            unit=unit,
            largest=float(own[unit] / own.sum()),
            participation=float(own.sum() ** 2 / (own**2).sum() / number),
        )
