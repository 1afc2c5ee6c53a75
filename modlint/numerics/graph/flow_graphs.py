"""Graphs made of the flow: the neurons that carry something, and the flow along each weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from modlint.network import Call, GroupRole, Network
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.flow import carrying
from modlint.numerics.graph.folding import Columns, Folding
from modlint.numerics.graph.on_numpy import OnNumpy
from modlint.numerics.graph.weights import BlockBuilder, joining, precision
from modlint.numerics.inputs import Inputs
from modlint.results.graphs import Block, Graph
from modlint.results.units import Carriers, Flows


def carrying_units(network: Network, flows: Flows, threshold: float) -> Carriers:
    """Which neurons' flow is not negligible; what no layer touches counts as carrying."""
    units = carrying(network, flows, threshold)
    dropped: dict[GroupRole, int] = {}
    for group in network.groups:
        count = int((~units[group.name]).sum())
        dropped[group.role] = dropped.get(group.role, 0) + count
    return Carriers(units, {role: count for role, count in dropped.items() if count})


def carrying_graph(graph: Graph, carriers: Carriers) -> Graph:
    """The weight graph without the edges of neurons that carry nothing, where none can be."""
    if not carriers.dropped:
        return graph
    return Graph(graph.groups, tuple(_only(block, carriers.units) for block in graph.blocks))


def _only(block: Block, units: Mapping[str, Mask]) -> Block:
    carrying = units[block.source][:, None] & units[block.target]
    mask = carrying if block.mask is None else carrying & block.mask
    return replace(block, weights=block.weights * carrying, mask=mask)


def flow_graph(network: Network, inputs: Inputs, flows: Flows) -> Graph:
    """e_ij = F_i |w_ij| B_j, each layer's sum set to 1; zeros where nothing flows.

    Raises:
        Unavailable: a weight's entries are not known.
    """
    on_numpy = OnNumpy(inputs)
    factors = _FlowFactors(Folding(network, on_numpy), flows)
    builder = BlockBuilder(network, on_numpy, factors, "l1", np.float64)
    dtype = precision(network, inputs)
    groups = {group.name: group.size for group in network.groups}
    layers = (tuple(builder.blocks(call)) for call in joining(network))
    shares = tuple(part for blocks in layers for part in _shares(blocks, dtype))
    return Graph(groups, shares)


def _shares(blocks: tuple[Block, ...], dtype: type[np.floating[Any]]) -> list[Block]:
    """The blocks of one layer with their sum set to 1."""
    whole = sum(float(block.weights.sum()) for block in blocks) or 1.0
    return [replace(block, weights=(block.weights / whole).astype(dtype)) for block in blocks]


class _FlowFactors(Struct, frozen=True, eq=False):
    """F in the place of columns' factors, B in that of rows'; norms are in them."""

    folding: Folding
    flows: Flows

    def rows(self, call: Call) -> tuple[Ints, Floats]:
        """B of what each row drives."""
        neurons, _ = self.folding.rows(call)
        return neurons, self.flows.backward[call.name]

    def columns(self, call: Call) -> tuple[Columns, ...]:
        """F of what each column reads; of several neurons that one column reads, their mean."""
        found = self.folding.columns(call)
        read = np.bincount(np.concatenate([part.columns for part in found]), minlength=call.columns)
        flow = self.flows.forward[call.name] / np.maximum(read, 1)
        return tuple(replace(part, factors=flow[part.columns]) for part in found)
