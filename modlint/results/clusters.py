"""Clusters of a network's neurons: how good they are, against what, and how they look."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Null = Literal["layer", "layer-nonzero"]
Method = Literal["filan2021", "spectral"]


class Clusters(Struct, frozen=True):
    """A partition of a network's live neurons.

    Attributes:
        labels: per group name, one cluster index for each neuron, −1 for isolated ones and those
            that the graph leaves out.
        sizes: neurons per cluster, in descending order; labels follow that order.
        ncut: Σ_c cut(c)/vol(c), no factor ½ (section 2.2).
        spectral_sum: S_k, the sum of the k smallest eigenvalues of the normalised Laplacian: the
            Ky Fan lower bound on n-cut over all partitions into k.
        neurons: number of neurons in the graph; the whole network's has inputs and outputs too.
        isolated_units: neurons removed because nothing connects them.
    """

    labels: dict[str, tuple[int, ...]]
    sizes: tuple[int, ...]
    ncut: float
    spectral_sum: float
    neurons: int
    isolated_units: int


class Comparison(Struct, frozen=True):
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


class ClusterNull(Comparison, frozen=True):
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


class EdgeWeights(Struct, frozen=True):
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

    @property
    def ncut(self) -> float:
        """Σ_c cut(c)/vol(c), with no factor ½; of clusters that all have edges."""
        pairs = zip(self.within, self.leaving, strict=True)
        return sum(out / (2 * inside + out) for inside, out in pairs)


class Panel(Struct, frozen=True, eq=False):
    """The weights of one layer, its neurons in the order of their clusters.

    Attributes:
        layer: the layer's name.
        source: group of the columns.
        target: group of the rows.
        columns: live neurons of the source in each cluster, in the order of the columns.
        rows: live neurons of the target in each cluster, in the order of the rows.
        image: float64, shape (rows, columns), of larger matrices the means of blocks.
    """

    layer: str
    source: str
    target: str
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    image: NDArray[np.float64]
