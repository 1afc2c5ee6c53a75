"""What there is to see of a partition: edge weights of clusters, eigenvalues, reordered weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING, ClassVar

from modlint.analysis import Inputs, NetworkAnalysis
from modlint.analysis.clustering import Partition
from modlint.network import Network

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class EdgeWeights:
    """Sums of edge weights by cluster, in the order of the clusters.

    Attributes:
        within: weight of the edges inside the cluster, each counted once.
        leaving: weight of the edges that leave it.
    """

    within: tuple[float, ...]
    leaving: tuple[float, ...]

    @property
    def in_out_ratios(self) -> tuple[float, ...]:
        """Weight inside by weight leaving; infinite where nothing leaves, NaN without edges."""
        pairs = zip(self.within, self.leaving, strict=True)
        return tuple(inside / out if out else inf if inside else nan for inside, out in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The weights of one layer, its neurons in the order of their clusters.

    Attributes:
        layer: the layer's name.
        source: group of the columns.
        target: group of the rows.
        columns: live neurons of the source in each cluster, in the order of the columns.
        rows: live neurons of the target in each cluster, in the order of the rows.
        image: float64 on the CPU, shape (rows, columns), of larger matrices the means of blocks.
    """

    layer: str
    source: str
    target: str
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    image: torch.Tensor


@dataclass(frozen=True, slots=True)
class ClusterWeights(NetworkAnalysis[EdgeWeights]):
    """Edge weights within and out of each cluster; Σ leaving/(2·within + leaving) is the n-cut."""

    partition: Partition

    name: ClassVar[str] = "cluster-weights"
    description: ClassVar[str] = "weight within each cluster, and weight that leaves it"

    def compute(self, network: Network, inputs: Inputs) -> EdgeWeights:  # noqa: ARG002
        """Sum.

        Raises:
            Unavailable: there is no partition.
        """
        from modlint.analysis.numerics.cluster_views import cluster_weights

        return cluster_weights(inputs, self.partition)


@dataclass(frozen=True, slots=True)
class LaplacianSpectrum(NetworkAnalysis[tuple[float, ...]]):
    """The smallest eigenvalues of the normalised Laplacian, ascending.

    Attributes:
        partition: whose graph, and how many clusters.
        beyond: eigenvalues to give beyond the number of clusters; fewer where the graph is small.
    """

    partition: Partition
    beyond: int = 8

    name: ClassVar[str] = "laplacian-spectrum"
    description: ClassVar[str] = "smallest eigenvalues of the normalised Laplacian"

    def compute(self, network: Network, inputs: Inputs) -> tuple[float, ...]:  # noqa: ARG002
        """Decompose.

        Raises:
            Unavailable: there is no partition, or the eigenvalues did not converge.
        """
        from modlint.analysis.numerics.cluster_views import smallest_eigenvalues

        return smallest_eigenvalues(inputs, self.partition, self.beyond)


@dataclass(frozen=True, slots=True)
class ReorderedWeights(NetworkAnalysis[tuple[Panel, ...]]):
    """Each layer's edge weights, neurons in the order of their clusters, for a picture.

    Attributes:
        partition: whose clusters.
        pixels: most rows and columns of an image.
        layers: most layers; of more, those with the most connections are given. Layers all of
            whose units on one side are isolated are left out.
    """

    partition: Partition
    pixels: int = 256
    layers: int = 12

    name: ClassVar[str] = "reordered-weights"
    description: ClassVar[str] = "weights with the neurons in the order of their clusters"

    def compute(self, network: Network, inputs: Inputs) -> tuple[Panel, ...]:  # noqa: ARG002
        """Reorder.

        Raises:
            Unavailable: there is no partition.
        """
        from modlint.analysis.numerics.cluster_views import reordered_weights

        return reordered_weights(inputs, self)
