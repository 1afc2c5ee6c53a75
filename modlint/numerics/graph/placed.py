"""A weight graph on the device that computes with it."""

from __future__ import annotations

from msgspec.structs import replace

from modlint.numerics.inputs import Device
from modlint.numerics.tensor.library import on_device
from modlint.results.graphs import Graph


def placed(graph: Graph, device: Device) -> Graph:
    """A graph of numpy's arrays, on the CPU itself, on a GPU one of torch's tensors."""
    if isinstance(device, str):
        return graph
    blocks = (
        replace(
            block,
            weights=on_device(block.weights, device),
            mask=None if block.mask is None else on_device(block.mask, device),
        )
        for block in graph.blocks
    )
    return Graph(graph.groups, tuple(blocks))
