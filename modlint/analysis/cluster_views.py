"""What there is to see of a partition: edge weights of clusters, eigenvalues, reordered weights."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.clustering import Partition
from modlint.analysis.partitions import SeededPartition
from modlint.network import Network
from modlint.results.clusters import EdgeWeights, Panel


class ClusterWeights(NetworkAnalysis[EdgeWeights], frozen=True):
    """Edge weights within and out of each cluster; Σ leaving/(2·within + leaving) is the n-cut."""

    partition: Partition

    name: ClassVar[str] = "cluster-weights"
    description: ClassVar[str] = "weight within each cluster, and weight that leaves it"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The partition, and its graph."""
        return (self.partition, self.partition.graph)

    def compute(self, network: Network, inputs: Inputs) -> EdgeWeights:
        """Sum.

        Raises:
            Unavailable: there is no partition.
        """
        from modlint.numerics.cluster.views import cluster_weights

        return cluster_weights(network, inputs, self.partition)


class LaplacianSpectrum(NetworkAnalysis[tuple[float, ...]], frozen=True):
    """The smallest eigenvalues of the normalised Laplacian, ascending.

    Attributes:
        partition: whose graph, and how many clusters.
        beyond: eigenvalues to give beyond the number of clusters; fewer where the graph is small.
    """

    partition: Partition
    beyond: int = 8

    name: ClassVar[str] = "laplacian-spectrum"
    description: ClassVar[str] = "smallest eigenvalues of the normalised Laplacian"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The partition, and its graph."""
        return (self.partition, self.partition.graph)

    def compute(self, network: Network, inputs: Inputs) -> tuple[float, ...]:
        """Decompose.

        Raises:
            Unavailable: there is no partition, or the eigenvalues did not converge.
        """
        from modlint.numerics.cluster.views import smallest_eigenvalues

        return smallest_eigenvalues(network, inputs, self.partition, self.beyond)


class ReorderedWeights(NetworkAnalysis[tuple[Panel, ...]], frozen=True):
    """Each layer's edge weights, neurons in the order of their clusters, for a picture.

    Attributes:
        partition: whose clusters; its `graph` is the one that is shown.
        pixels: most rows and columns of an image.
        layers: most layers; of more, those with the most connections are given. Layers all of
            whose units on one side are isolated are left out.
    """

    partition: Partition | SeededPartition
    pixels: int = 256
    layers: int = 12

    name: ClassVar[str] = "reordered-weights"
    description: ClassVar[str] = "weights with the neurons in the order of their clusters"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The partition, and its graph."""
        return (self.partition, self.partition.graph)

    def compute(self, network: Network, inputs: Inputs) -> tuple[Panel, ...]:
        """Reorder.

        Raises:
            Unavailable: there is no partition.
        """
        from modlint.numerics.cluster.views import reordered_weights

        return reordered_weights(network, inputs, self)
