"""Of a graph only what convolutions join."""

from __future__ import annotations

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.graphs import Graph

KINDS = frozenset({"conv", "conv-transpose"})


def convolution_graph(network: Network, graph: Graph) -> Graph:
    """The channels that convolutions make, and the kernels between them.

    Raises:
        Unavailable: no convolution reads what a convolution makes.
    """
    kernels = {call.name for call in network.calls if call.kind in KINDS}
    made = {block.target for block in graph.blocks if block.layer in kernels}
    blocks = tuple(b for b in graph.blocks if b.layer in kernels and b.source in made)
    if not blocks:
        raise Unavailable("no convolution of it reads what a convolution makes")
    return Graph({name: size for name, size in graph.groups.items() if name in made}, blocks)
