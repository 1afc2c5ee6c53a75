"""Modules beyond unit strengths: the matched null.

The weights' own shuffles (`modlint.analysis.clustering`) spread strong and weak units evenly, which
alone moves their spectral sums. Here units keep their strengths and trade places with those that
are about as strong; whether that changes the sums is the question.
"""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.clustering import MAX_CONNECTIONS
from modlint.analysis.flow import THRESHOLD, Flow
from modlint.analysis.weights import WeightArrays
from modlint.network import Network
from modlint.results.clusters import Clusters
from modlint.results.modules import ModuleTest

CLUSTERS = (2, 3, 4, 6, 8, 12, 16, 20)
"""Numbers of clusters that are looked at."""


class MatchedTest(NetworkAnalysis[ModuleTest], frozen=True):
    """Spectral sums of the balanced graph against those after units of like strength traded places.

    Attributes:
        clusters: numbers of clusters that are looked at; those above a third of the units are not.
        shuffles: networks in which units traded places, N.
        bin_size: units, neighbours in order of strength, among which places are traded.
        seed: names the random streams.
        min_flow: flow over the group's mean below which a unit is left out.
        max_connections: graphs of more edges have no answer.
    """

    clusters: tuple[int, ...] = CLUSTERS
    shuffles: int = 99
    bin_size: int = 4
    seed: int = 0
    min_flow: float = THRESHOLD
    max_connections: int = MAX_CONNECTIONS

    name: ClassVar[str] = "matched-test"
    description: ClassVar[str] = "spectral sums against those of units of like strength exchanged"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weight graph, and the flow of its units."""
        return (WeightArrays(), Flow())

    def compute(self, network: Network, inputs: Inputs) -> ModuleTest:
        """Test.

        Raises:
            Unavailable: the graph is above the stated size or has too few units, none may trade
                places, its scales do not balance, or trading places changes nothing.
        """
        from modlint.numerics.cluster.matched.test import module_test
        from modlint.numerics.cluster.specs import require_size

        require_size(network, self)
        graph = inputs.result(WeightArrays(), network)
        flows = inputs.result(Flow(), network)
        device = inputs.device_for(network.connections * self.shuffles)
        return module_test(network, graph, flows, self, inputs.progress, device)


class ModuleClusters(NetworkAnalysis[Clusters], frozen=True):
    """The clusters of the balanced graph that the test finds: k* of them.

    Attributes:
        test: whose k*; its seed names the random stream of k-means too.
    """

    test: MatchedTest = MatchedTest()

    name: ClassVar[str] = "module-clusters"
    description: ClassVar[str] = "clusters of the balanced graph, as many as stand out most"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The test, the weight graph, and the flow of its units."""
        return (self.test, *self.test.needs())

    def compute(self, network: Network, inputs: Inputs) -> Clusters:
        """Cluster.

        Raises:
            Unavailable: there is no test, or fewer clusters can be told apart.
        """
        from modlint.numerics.cluster.matched.partition import module_clusters

        clusters = inputs.result(self.test, network).clusters
        graph, flows = (inputs.result(need, network) for need in self.test.needs())
        return module_clusters(network, graph, flows, self.test.min_flow, clusters, self.test.seed)
