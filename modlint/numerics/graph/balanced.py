"""The weight graph, its scales balanced."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from modlint.network import Network
from modlint.numerics.graph.balance import balanced_blocks
from modlint.results.graphs import Graph


def balanced_graph(network: Network, graph: Graph) -> Graph:
    """The weight graph with hidden units scaled until strengths in and out are equal.

    Raises:
        Unavailable: the scales do not balance.
    """
    blocks = [
        (block.source, block.target, np.asarray(block.weights, dtype=np.float64))
        for block in graph.blocks
    ]
    balanced = balanced_blocks(network, graph.groups, blocks)
    return Graph(
        graph.groups,
        tuple(
            replace(block, weights=weights.astype(block.weights.dtype))
            for block, weights in zip(graph.blocks, balanced, strict=True)
        ),
    )
