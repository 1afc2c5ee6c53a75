"""Clusters as they are shown: from several seeds, with what there is to see of them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.clustering import MAX_CONNECTIONS, WEIGHTS, Partition
from modlint.analysis.flow import THRESHOLD, Flow
from modlint.analysis.weights import WeightArrays
from modlint.network import Network
from modlint.results.graphs import Graph
from modlint.results.partitions import SeededClusters

Clustered = Literal["matched", "filan2021"]

SEEDS = 5
"""How many partitions are compared."""


class SeededPartition(NetworkAnalysis[SeededClusters], frozen=True):
    """The partition, of those found from several seeds, that agrees most with the others.

    Attributes:
        clusters: number of clusters, k.
        seeds: how many partitions are found, from as many seeds in a row.
        seed: the first.
        method: which graph is clustered: the balanced one of the units that carry something
            ("matched"), or the weights as they are ("filan2021").
        min_flow: flow over the group's mean below which "matched" leaves a unit out.
        max_connections: graphs of more edges have no answer.
        graph: the analysis that gives the weights that a picture shows.
    """

    clusters: int = 12
    seeds: int = SEEDS
    seed: int = 0
    method: Clustered = "matched"
    min_flow: float = THRESHOLD
    max_connections: int = MAX_CONNECTIONS
    graph: NetworkAnalysis[Graph] = WEIGHTS

    name: ClassVar[str] = "seeded-partition"
    description: ClassVar[str] = "clusters from several seeds, how stable they are, and their ends"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weight graph; the flow of its units, or a partition for each seed."""
        if self.method == "matched":
            return (WeightArrays(), Flow())
        return (WeightArrays(), *self.partitions)

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Those of the weights as they are."""
        seeds = range(self.seed, self.seed + self.seeds)
        return tuple(Partition(self.clusters, seed, self.max_connections) for seed in seeds)

    def compute(self, network: Network, inputs: Inputs) -> SeededClusters:
        """Cluster.

        Raises:
            Unavailable: there are too few units, or too many; the graph does not balance; fewer
                clusters can be told apart.
        """
        from modlint.numerics.cluster.seeded import balanced_clusters, published_clusters
        from modlint.numerics.cluster.specs import require_size

        require_size(network, self)
        if self.method == "matched":
            graph, flows = inputs.result(WeightArrays(), network), inputs.result(Flow(), network)
            return balanced_clusters(network, graph, flows, self)
        found = [inputs.result(partition, network) for partition in self.partitions]
        graph = inputs.result(WeightArrays(), network)
        return published_clusters(network, graph, found, self.clusters)
