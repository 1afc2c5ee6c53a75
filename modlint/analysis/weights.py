"""The weighted graph of a network: |w| between neurons (arXiv 2103.03386, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modlint.analysis import Inputs, NetworkAnalysis
from modlint.network import Network

if TYPE_CHECKING:
    import torch

KernelNorm = Literal["l1", "l2"]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The edges of one layer.

    Attributes:
        layer: the layer's name.
        tensor: name of its weight tensor; tied layers share it.
        source: group of the columns.
        target: group of the rows.
        weights: non-negative finite edge weights, shape (in, out): after norm folding, absolute
            values, kernel norm and flatten aggregation; read-only; float64 in a graph of which some
            weight is stored so, else float32.
        mask: where an edge can exist, bool, shape (in, out); None where everywhere (grouped
            convolutions connect only within their group).
        turned: the tensor is stored as (in, out), not as (out, in): tied layers that use it in
            opposite directions differ in this.
        live: which neurons of source and target are left, (in,) and (out,) bool of the whole
            groups; None where all are.
    """

    layer: str
    tensor: str
    source: str
    target: str
    weights: torch.Tensor
    mask: torch.Tensor | None = None
    turned: bool = False
    live: tuple[torch.Tensor, torch.Tensor] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network's weighted graph, one dense block per layer.

    Attributes:
        groups: names and sizes of the groups of neurons, in topological order.
        blocks: in topological order.
    """

    groups: dict[str, int]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class WeightGraph(NetworkAnalysis[Graph]):
    """Absolute weights between neurons.

    Attributes:
        kernel_norm: how a convolution's kernel becomes one edge: entrywise "l1" or "l2".
    """

    kernel_norm: KernelNorm = "l1"

    name: ClassVar[str] = "weight-graph"
    description: ClassVar[str] = "absolute weights between neurons, norms folded"

    def compute(self, network: Network, inputs: Inputs) -> Graph:
        """Build the graph.

        Raises:
            Unavailable: a weight is not finite, or its shape contradicts the network.
        """
        from modlint.analysis.numerics.weights import build_graph

        return build_graph(network, inputs, self.kernel_norm)
