"""Clusterability: spectral clusters, their n-cut, and its null distribution.

Method and statistics: Filan et al., Clusterability in Neural Networks, arXiv 2103.03386.
"""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.weights import WeightArrays
from modlint.network import Network
from modlint.results.clusters import ClusterNull, Clusters, Method, Null
from modlint.results.graphs import Graph

MAX_CONNECTIONS = 2_500_000
"""Larger graphs are not clustered unless asked for: 50 shuffles take some 20 s on two cores."""

FEASIBLE = 100_000_000
"""Larger graphs are not worth asking for: a shuffle of as many takes some 20 s of CPU, and the
whole three times the memory of the weights."""

WEIGHTS = WeightArrays()
"""The graph of the published test."""


class Partition(NetworkAnalysis[Clusters], frozen=True):
    """Spectral clustering into `clusters` clusters, best of several k-means restarts.

    Attributes:
        clusters: number of clusters, k.
        seed: names the random streams of k-means and, in a test, of the shuffles.
        max_connections: graphs of more edges have no answer.
        graph: the analysis that gives the graph; rules ask for variants of the weights' own.
    """

    clusters: int = 12
    seed: int = 0
    max_connections: int = MAX_CONNECTIONS
    graph: NetworkAnalysis[Graph] = WEIGHTS

    name: ClassVar[str] = "partition"
    description: ClassVar[str] = "spectral clusters of a network's neurons, n-cut and S_k"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The graph."""
        return (self.graph,)

    def compute(self, network: Network, inputs: Inputs) -> Clusters:
        """Cluster.

        Raises:
            Unavailable: fewer than 3k live neurons, or the graph is above the stated size.
        """
        from modlint.numerics.cluster.clustering import partition

        return partition(network, inputs, self)


class SpectralSum(NetworkAnalysis[float], frozen=True):
    """S_k of a graph alone, without its clusters.

    Attributes:
        partition: of which graph, and k.
    """

    partition: Partition = Partition()

    name: ClassVar[str] = "spectral-sum"
    description: ClassVar[str] = "the k smallest eigenvalues of the normalised Laplacian, summed"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The graph."""
        return (self.partition.graph,)

    def compute(self, network: Network, inputs: Inputs) -> float:
        """Compute.

        Raises:
            Unavailable: as of a partition.
        """
        from modlint.numerics.cluster.clustering import spectral_sum

        return spectral_sum(network, inputs, self.partition)


class ClusterTest(NetworkAnalysis[ClusterNull], frozen=True):
    """The permutation test of clusterability (arXiv 2103.03386, section 3.1).

    Attributes:
        partition: how the network and, for n-cut, each of its shuffles is clustered.
        shuffles: the most shuffled networks, N.
        null: permute all entries of each matrix ("layer"), or its non-zero ones
            ("layer-nonzero").
        method: the statistic: n-cut of the clusters ("filan2021"), or the sum of the k smallest
            eigenvalues, S_k ("spectral").
        extremes: the test stops once so many shuffles are as low, and so many as high, as the
            network (h of Besag & Clifford 1991, on both sides); None for never.
        budget: seconds after which an undecided test has no answer; None for no bound.
    """

    partition: Partition = Partition()
    shuffles: int = 50
    null: Null = "layer"
    method: Method = "filan2021"
    extremes: int | None = None
    budget: float | None = None

    name: ClassVar[str] = "cluster-test"
    description: ClassVar[str] = "n-cut or S_k against the same network with shuffled weights"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The partition, and its graph."""
        return (self.partition, self.partition.graph)

    def compute(self, network: Network, inputs: Inputs) -> ClusterNull:
        """Test.

        Raises:
            Unavailable: the partition has none, the null has no spread, or the budget ran out.
        """
        from modlint.numerics.cluster.null import cluster_test

        return cluster_test(network, inputs, self)
