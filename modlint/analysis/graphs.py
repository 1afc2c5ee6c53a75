"""Variants of the weight graph, each to be clustered in its place: `Partition(graph=…)`."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.flow import THRESHOLD, CarryingUnits, Flow
from modlint.analysis.weights import WeightArrays
from modlint.network import Network
from modlint.results.graphs import Graph


class CarryingGraph(NetworkAnalysis[Graph], frozen=True):
    """The weight graph without the edges of neurons whose flow is negligible.

    The neurons stay, isolated: no edge of theirs can exist, so that no null deals them a weight.
    Where there is no such neuron it is the weight graph itself.

    Attributes:
        threshold: flow over the group's mean below which it is negligible.
    """

    threshold: float = THRESHOLD

    name: ClassVar[str] = "carrying-graph"
    description: ClassVar[str] = "weight graph of the neurons that carry something"
    is_large: ClassVar[bool] = True

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weight graph, and who carries something."""
        return (WeightArrays(), CarryingUnits(self.threshold))

    def compute(self, network: Network, inputs: Inputs) -> Graph:
        """Build the graph.

        Raises:
            Unavailable: the weight graph has none.
        """
        from modlint.numerics.graph.flow_graphs import carrying_graph

        graph = inputs.result(WeightArrays(), network)
        return carrying_graph(graph, inputs.result(CarryingUnits(self.threshold), network))


class FlowGraph(NetworkAnalysis[Graph], frozen=True):
    """The flow along each weight, e_ij = F_i |w_ij| B_j, each layer's sum set to 1.

    Scaling a unit's weights in by c and those out by 1/c leaves it as it is, and so whatever is
    computed of it: S_k of `Partition(graph=FlowGraph())` is the scale-free clusterability.
    """

    name: ClassVar[str] = "flow-graph"
    description: ClassVar[str] = "flow along each weight: free of the scale of units"
    is_large: ClassVar[bool] = True

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The flow."""
        return (Flow(),)

    def compute(self, network: Network, inputs: Inputs) -> Graph:
        """Build the graph.

        Raises:
            Unavailable: the flow has none.
        """
        from modlint.numerics.graph.flow_graphs import flow_graph

        return flow_graph(network, inputs, inputs.result(Flow(), network))


class ConvolutionGraph(NetworkAnalysis[Graph], frozen=True):
    """The channels that convolutions make, and the kernels between them.

    Neither inputs nor fully connected layers are in it: the graph of arXiv 2103.03386 for networks
    trained on ImageNet, from which the paper leaves the input's channels and the classifier out.

    Attributes:
        graph: of what it is a part.
    """

    graph: NetworkAnalysis[Graph] = WeightArrays()

    name: ClassVar[str] = "convolution-graph"
    description: ClassVar[str] = "graph of the channels that convolutions make"
    is_large: ClassVar[bool] = True

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The graph of the whole network."""
        return (self.graph,)

    def compute(self, network: Network, inputs: Inputs) -> Graph:
        """Build the graph.

        Raises:
            Unavailable: the whole graph has none, or no convolution reads what one makes.
        """
        from modlint.numerics.graph.convolutions import convolution_graph

        return convolution_graph(network, inputs.result(self.graph, network))


class BalancedGraph(NetworkAnalysis[Graph], frozen=True):
    """The weight graph with each hidden unit scaled until its strength in equals that out.

    Weights in are multiplied by a c for each unit and weights out divided by it. The c are those
    that minimise the sum of all weights (Osborne, J. ACM 7, 1960), so they are unique and the
    graph does not depend on the scales that the units had. Units without weights in, or out, keep
    theirs.
    """

    name: ClassVar[str] = "balanced-graph"
    description: ClassVar[str] = "weight graph with hidden units scaled alike"
    is_large: ClassVar[bool] = True

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weight graph."""
        return (WeightArrays(),)

    def compute(self, network: Network, inputs: Inputs) -> Graph:
        """Build the graph.

        Raises:
            Unavailable: the weight graph has none.
        """
        from modlint.numerics.graph.balanced import balanced_graph

        return balanced_graph(network, inputs.result(WeightArrays(), network))
