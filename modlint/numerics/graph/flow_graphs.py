"""Graphs made of the flow: the neurons that carry something, and the flow along each weight."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from msgspec.structs import replace

from modlint.network import GroupRole, Network
from modlint.numerics.graph.adjacency import adjacency, live_vertices
from modlint.results.graphs import Block, Graph
from modlint.results.units import Carriers, Flows


def carrying_units(
    network: Network, flows: Flows, graph: Graph, threshold: float, device: torch.device
) -> Carriers:
    """Which neurons' flow is not negligible; what no layer touches counts as carrying."""
    live = torch.split(live_vertices(adjacency(graph), device), list(graph.groups.values()))
    units: dict[str, torch.Tensor] = {}
    dropped: dict[GroupRole, int] = {}
    for group, connected in zip(network.groups, live, strict=True):
        flow = flows.units.get(group.name)
        carrying = torch.ones_like(connected) if flow is None else flow >= threshold
        count = int((connected & ~carrying).sum())
        units[group.name] = carrying
        dropped[group.role] = dropped.get(group.role, 0) + count
    return Carriers(units, {role: count for role, count in dropped.items() if count})


def carrying_graph(graph: Graph, carriers: Carriers) -> Graph:
    """The weight graph without the edges of neurons that carry nothing."""
    if not carriers.dropped:
        return graph
    return Graph(graph.groups, tuple(_only(block, carriers.units) for block in graph.blocks))


def _only(block: Block, units: Mapping[str, torch.Tensor]) -> Block:
    rows, columns = units[block.source], units[block.target]
    return replace(block, weights=block.weights * rows.unsqueeze(1) * columns)


def flow_graph(graph: Graph, flows: Flows) -> Graph:
    """e_ij = F_i |w_ij| B_j, each layer's sum set to 1; zeros where nothing flows."""
    return Graph(
        graph.groups,
        tuple(
            _flowing(block, flows.forward[block.layer], flows.backward[block.layer])
            for block in graph.blocks
        ),
    )


def _flowing(block: Block, forward: torch.Tensor, backward: torch.Tensor) -> Block:
    flow = block.weights * forward.unsqueeze(1) * backward
    total = flow.sum()
    flow = flow / total if total > 0 else flow
    return replace(block, weights=flow.to(block.weights.dtype))
