"""The weighted graph of a network: |w| between neurons (arXiv 2103.03386, section 2)."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.results.graphs import Graph, KernelNorm


class WeightArrays(NetworkAnalysis[Graph], frozen=True):
    """Absolute weights between neurons, as numpy's arrays.

    Attributes:
        kernel_norm: how a convolution's kernel becomes one edge: entrywise "l1" or "l2".
    """

    kernel_norm: KernelNorm = "l1"

    name: ClassVar[str] = "weight-arrays"
    description: ClassVar[str] = "absolute weights between neurons, norms folded"
    is_large: ClassVar[bool] = True

    def compute(self, network: Network, inputs: Inputs) -> Graph:
        """Build the graph.

        Raises:
            Unavailable: a weight is not finite, or its shape contradicts the network.
        """
        from modlint.numerics.graph.weights import build_graph

        return build_graph(network, inputs, self.kernel_norm)
