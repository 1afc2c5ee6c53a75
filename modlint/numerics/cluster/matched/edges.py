"""The balanced graph of what carries something, as one matrix for each pair of joined groups."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.graph.balance import Balance, balanced_blocks, scalable
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.edges import Edges, compact, edges_of, live_units
from modlint.results.graphs import Block, Graph

SWEEPS, NEAR = 5, 1e-3
"""After an exchange: most sweeps, and the ln(strength in / strength out) that is near enough."""


def balanced_edges(
    network: Network, graph: Graph, carrying: Mapping[str, Mask]
) -> tuple[Edges, dict[str, Mask]]:
    """The graph of the units that carry something, balanced, and which units are left by group.

    Raises:
        Unavailable: its scales do not balance, or overflow.
    """
    kept = [_only(block, carrying) for block in graph.blocks]
    balanced = balanced_blocks(network, graph.groups, kept)
    blocks = (
        (block.source, block.target, weights)
        for block, weights in zip(graph.blocks, balanced, strict=True)
    )
    whole = edges_of(graph.groups, blocks)
    if not all(np.isfinite(weights).all() for weights in whole.between.values()):
        raise Unavailable("its weights are too far apart to be balanced")
    live = live_units(whole)
    return compact(whole, live), live


def rebalanced(network: Network, edges: Edges) -> Edges:
    """The edges, balanced again but for what `SWEEPS` leave.

    Of all that are compared only the network would be balanced else, which alone sets it apart.
    """
    blocks = [(*pair, weights) for pair, weights in edges.between.items()]
    hidden = [name for name in scalable(network) if name in edges.sizes]
    balance = Balance(edges.sizes, blocks, hidden)
    for _ in range(SWEEPS):
        if balance.sweep() < NEAR:
            break
    between = {(block[0], block[1]): balance.scaled(block) for block in blocks}
    return Edges(edges.sizes, between)


def _only(block: Block, carrying: Mapping[str, Mask]) -> tuple[str, str, Floats]:
    """A block's groups and its weights, without those of units that carry nothing."""
    weights = np.array(block.weights, dtype=np.float64)
    weights[~carrying[block.source]] = 0
    weights[:, ~carrying[block.target]] = 0
    return block.source, block.target, weights
