"""Graphs made of the flow: the neurons that carry something, and the flow along each weight."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from msgspec.structs import replace

from modlint.network import GroupRole, Network
from modlint.numerics.graph.on_torch import on_torch
from modlint.numerics.inputs import Array
from modlint.results.graphs import Block, Graph
from modlint.results.units import Carriers, Flows


def carrying_units(
    network: Network, flows: Flows, threshold: float, device: torch.device
) -> Carriers:
    """Which neurons' flow is not negligible; what no layer touches counts as carrying."""
    units: dict[str, torch.Tensor] = {}
    dropped: dict[GroupRole, int] = {}
    for group in network.groups:
        flow = flows.units.get(group.name)
        if flow is None:
            units[group.name] = torch.ones(group.size, dtype=torch.bool, device=device)
            continue
        units[group.name] = on_torch(flow, device) >= threshold
        count = int((~units[group.name]).sum())
        dropped[group.role] = dropped.get(group.role, 0) + count
    return Carriers(units, {role: count for role, count in dropped.items() if count})


def carrying_graph(graph: Graph, carriers: Carriers) -> Graph:
    """The weight graph without the edges of neurons that carry nothing, where none can be."""
    if not carriers.dropped:
        return graph
    return Graph(graph.groups, tuple(_only(block, carriers.units) for block in graph.blocks))


def _only(block: Block, units: Mapping[str, torch.Tensor]) -> Block:
    carrying = units[block.source].unsqueeze(1) & units[block.target]
    mask = carrying if block.mask is None else carrying & block.mask
    return replace(block, weights=block.weights * carrying, mask=mask)


def flow_graph(graph: Graph, flows: Flows) -> Graph:
    """e_ij = F_i |w_ij| B_j, each layer's sum set to 1; zeros where nothing flows."""
    return Graph(
        graph.groups,
        tuple(
            _flowing(block, flows.forward[block.layer], flows.backward[block.layer])
            for block in graph.blocks
        ),
    )


def _flowing(block: Block, forward: Array, backward: Array) -> Block:
    rows, columns = (on_torch(side, block.weights.device) for side in (forward, backward))
    flow = block.weights * rows.unsqueeze(1) * columns
    total = flow.sum()
    flow = flow / total if total > 0 else flow
    return replace(block, weights=flow.to(block.weights.dtype))
