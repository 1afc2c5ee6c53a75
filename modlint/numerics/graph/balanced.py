"""The weight graph as torch's tensors, its scales balanced."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from modlint.network import Network
from modlint.numerics.graph.balance import balanced_blocks
from modlint.numerics.graph.on_torch import on_torch
from modlint.results.graphs import Graph


def balanced_graph(network: Network, graph: Graph) -> Graph:
    """The weight graph with hidden units scaled until strengths in and out are equal.

    Raises:
        Unavailable: the scales do not balance.
    """
    blocks = [
        (block.source, block.target, np.asarray(block.weights.cpu(), dtype=np.float64))
        for block in graph.blocks
    ]
    balanced = balanced_blocks(network, graph.groups, blocks)
    return Graph(
        graph.groups,
        tuple(
            replace(block, weights=on_torch(weights, block.weights.device).to(block.weights.dtype))
            for block, weights in zip(graph.blocks, balanced, strict=True)
        ),
    )
