"""Synaptic flow through a network: Tanaka et al., arXiv 2006.08228, section 4."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from modlint.network import Layer, Network
from modlint.numerics.graph.layer_edges import LayerEdges
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, indices
from modlint.numerics.tensor.scaled import Scaled, total
from modlint.results.units import Flows, GroupFlow, LayerUnits

ByLayer = dict[str, Scaled]


@np.errstate(all="ignore")
def measure_flow(network: Network, inputs: Inputs) -> Flows:
    """F, B and φ on the graph of layers.

    Raises:
        Unavailable: a weight is not finite, or its shape contradicts the network.
    """
    walk = _Walk(network, inputs)
    read, given = walk.forward()
    taken, returned = walk.backward()
    return Flows(
        units=walk.units(given, taken, returned),
        forward={name: part.values for name, part in read.items()},
        backward={name: part.values for name, part in taken.items()},
    )


def negligible_units(
    flows: Flows, groups: Iterable[LayerUnits], threshold: float
) -> tuple[GroupFlow, ...]:
    """The units of each hidden group that carry nothing, in topological order."""
    return tuple(_group_flow(units, flows.units[units.group], threshold) for units in groups)


def _group_flow(units: LayerUnits, flow: Array, threshold: float) -> GroupFlow:
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


class _Walk:
    """Over the layers, in their order and back.

    A layer reads what those of its `inputs` that come before it give, and 1 where it reads the
    network's input, or where nothing comes before it.
    """

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.layers = network.layers
        self.groups = {group.name: group for group in network.groups}
        self.edges = {layer.name: LayerEdges(network, layer, inputs) for layer in network.layers}
        self.device = inputs.device
        place = {layer.name: i for i, layer in enumerate(network.layers)}
        self.inputs = {
            layer.name: [name for name in layer.inputs if place[name] < place[layer.name]]
            for layer in network.layers
        }
        self.read = {layer.source for layer in network.layers}

    def forward(self) -> tuple[ByLayer, ByLayer]:
        """F of the units that each layer reads, and what it gives to those that it drives."""
        read, given = ByLayer(), ByLayer()
        for layer in self.layers:
            parts = [given[name] for name in self.inputs[layer.name]]
            if self._starts(layer):
                parts.append(Scaled(self._zero(layer.source) + 1))
            read[layer.name] = total(parts, self._zero(layer.source))
            through = self.edges[layer.name].forward(read[layer.name].values)
            given[layer.name] = Scaled.of(through, read[layer.name].log)
        return read, given

    def backward(self) -> tuple[ByLayer, ByLayer]:
        """B of the units that each layer drives, and what it returns to those that it reads."""
        taken, returned = ByLayer(), ByLayer()
        for layer in reversed(self.layers):
            parts = [part for name, part in returned.items() if layer.name in self.inputs[name]]
            if self._ends(layer):
                parts.append(Scaled(self._zero(layer.target) + 1))
            taken[layer.name] = total(parts, self._zero(layer.target))
            through = self.edges[layer.name].backward(taken[layer.name].values)
            returned[layer.name] = Scaled.of(through, taken[layer.name].log)
        return taken, returned

    def units(self, given: ByLayer, taken: ByLayer, returned: ByLayer) -> dict[str, Array]:
        """φ over its mean, by group: what starts there, and what arrives from layers."""
        parts: dict[str, list[Scaled]] = {}
        for layer in self.layers:
            if self._starts(layer):
                parts.setdefault(layer.source, []).append(returned[layer.name])
            flow = given[layer.name].times(taken[layer.name])
            parts.setdefault(layer.target, []).append(flow)
        flows = {group: total(found, self._zero(group)).values for group, found in parts.items()}
        return {group: flow / flow.mean() if flow.any() else flow for group, flow in flows.items()}

    def _starts(self, layer: Layer) -> bool:
        return not self.inputs[layer.name] or self.groups[layer.source].role == "input"

    def _ends(self, layer: Layer) -> bool:
        group = self.groups[layer.target]
        return group.role == "output" or group.exposed or group.name not in self.read

    def _zero(self, group: str) -> Array:
        return filled(self.groups[group].size, 0.0, self.device)
