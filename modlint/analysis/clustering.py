"""Clusterability: spectral clusters, their n-cut, and its null distribution.

Method and statistics: Filan et al., Clusterability in Neural Networks, arXiv 2103.03386.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from modlint.analysis import Inputs, NetworkAnalysis
from modlint.analysis.weights import Graph, WeightGraph
from modlint.network import Network

Null = Literal["layer", "layer-nonzero"]
Method = Literal["filan2021", "spectral"]

MAX_CONNECTIONS = 2_500_000
"""Larger graphs are not clustered unless asked for: 50 shuffles take half a minute on two cores."""

WEIGHTS = WeightGraph()
"""The graph of the published test."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """A partition of a network's live neurons.

    Attributes:
        labels: per group name, one cluster index for each neuron, −1 for isolated ones.
        sizes: neurons per cluster, in descending order; labels follow that order.
        ncut: Σ_c cut(c)/vol(c), no factor ½ (section 2.2).
        spectral_sum: S_k, the sum of the k smallest eigenvalues of the normalised Laplacian: the
            Ky Fan lower bound on n-cut over all partitions into k.
        neurons: number of neurons in the network, inputs and outputs included.
        isolated_units: neurons removed because nothing connects them.
    """

    labels: dict[str, tuple[int, ...]]
    sizes: tuple[int, ...]
    ncut: float
    spectral_sum: float
    neurons: int
    isolated_units: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """An observed statistic against the same of shuffled networks; low is clusterable.

    Attributes:
        observed: of the network.
        null_samples: of each shuffled network.
        null_mean: mean of the samples.
        null_std: their standard deviation, ddof 0.
        z_score: (observed − mean)/std; negative means more clusterable than shuffled.
        robust_z: (observed − median)/(1.4826 · MAD), None where the MAD is zero.
        p_value: one-sided: (1 + #{null ≤ observed})/(N + 1); in a sequential test h/n where the
            n-th shuffle was the h-th as low (Besag & Clifford, Sequential Monte Carlo p-values,
            Biometrika 78, 1991).
        p_interval: 95 % Clopper-Pearson interval of the chance of a shuffle as low, what p would be
            with endless shuffles; of inverse sampling where the h-th extreme ended the count.
        p_worse: the same as `p_value` of the other side, #{null ≥ observed}.
        p_two_sided: twice the smaller of the two, at most 1.
        effect_size: (median − observed)/median, None where the median is zero.
    """

    observed: float
    null_samples: tuple[float, ...]
    null_mean: float
    null_std: float
    z_score: float
    robust_z: float | None
    p_value: float
    p_interval: tuple[float, float]
    p_worse: float
    p_two_sided: float
    effect_size: float | None


@dataclass(frozen=True, slots=True)
class ClusterNull(Comparison):
    """The test of a network's partition.

    Attributes:
        clusters: the observed partition.
        in_out_ratio: (1 − n/k)/(2n/k), of the mean cluster; infinite where nothing is cut.
        spectral: the comparison of S_k on the same shuffles, whatever the method; None where a
            test by n-cut ended early, since its p-value would not be one of S_k.
    """

    clusters: Clusters
    in_out_ratio: float
    spectral: Comparison | None


@dataclass(frozen=True, slots=True)
class Partition(NetworkAnalysis[Clusters]):
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

    def compute(self, network: Network, inputs: Inputs) -> Clusters:
        """Cluster.

        Raises:
            Unavailable: fewer than 3k live neurons, or the graph is above the stated size.
        """
        from modlint.analysis.numerics.clustering import partition

        return partition(network, inputs, self)


@dataclass(frozen=True, slots=True)
class SpectralSum(NetworkAnalysis[float]):
    """S_k of a graph alone, without its clusters.

    Attributes:
        partition: of which graph, and k.
    """

    partition: Partition = Partition()

    name: ClassVar[str] = "spectral-sum"
    description: ClassVar[str] = "the k smallest eigenvalues of the normalised Laplacian, summed"

    def compute(self, network: Network, inputs: Inputs) -> float:
        """Compute.

        Raises:
            Unavailable: as of a partition.
        """
        from modlint.analysis.numerics.clustering import spectral_sum

        return spectral_sum(network, inputs, self.partition)


@dataclass(frozen=True, slots=True)
class ClusterTest(NetworkAnalysis[ClusterNull]):
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

    def compute(self, network: Network, inputs: Inputs) -> ClusterNull:
        """Test.

        Raises:
            Unavailable: the partition has none, the null has no spread, or the budget ran out.
        """
        from modlint.analysis.numerics.null import cluster_test

        return cluster_test(network, inputs, self)
