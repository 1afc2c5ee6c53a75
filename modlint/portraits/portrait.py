"""What `modlint clusters` tells of a network, gathered from the analyses."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from modlint.analysis.cluster_views import ClusterWeights, LaplacianSpectrum
from modlint.analysis.clustering import MAX_CONNECTIONS, ClusterTest, Partition
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.portraits.shown import too_large
from modlint.results.clusters import Clusters
from modlint.rule import Examination

ISOLATED = -1
"""Label of neurons that nothing connects."""


class Choice(Struct, frozen=True):
    """What the user asks for.

    Attributes:
        clusters: number of clusters, k.
        seed: of k-means and of the shuffles.
        shuffles: shuffled networks to compare with; 0 for none.
        max_connections: networks with more connections are not clustered.
    """

    clusters: int = 12
    seed: int = 0
    shuffles: int = 50
    max_connections: int = MAX_CONNECTIONS

    @property
    def partition(self) -> Partition:
        """The analysis that clusters."""
        return Partition(self.clusters, self.seed, self.max_connections)


class ClusterPortrait(msgspec.Struct, frozen=True):
    """One cluster: its neurons, their share of all live ones, its edge weights."""

    cluster: int
    neurons: int
    share: float
    weight_within: float
    weight_leaving: float
    in_out_ratio: float


class NullPortrait(msgspec.Struct, frozen=True):
    """The shuffled networks; `reason` says why there is no null distribution."""

    shuffles: int
    reason: str | None = None
    null_mean: float | None = None
    null_std: float | None = None
    z_score: float | None = None
    p_value: float | None = None
    effect_size: float | None = None
    null_samples: tuple[float, ...] = ()


class NetworkPortrait(msgspec.Struct, frozen=True, kw_only=True):
    """A network's clusters; `labels` holds a cluster for each neuron of each layer, in order."""

    id: str
    neurons: int
    connections: int
    isolated_units: int
    seed: int
    ncut: float
    spectral_sum: float
    in_out_ratio: float
    eigenvalues: tuple[float, ...]
    null: NullPortrait
    clusters: tuple[ClusterPortrait, ...]
    labels: Mapping[str, tuple[int, ...]]

    @property
    def summary(self) -> str:
        """Its n-cut beside that of its shuffles, in words."""
        null, ncut = self.null, f"n-cut {self.ncut:.4g}"
        if null.null_mean is None or null.p_value is None:
            return f"{ncut}; {null.reason}"
        shuffled = f"{null.null_mean:.4g} ± {null.null_std or 0:.2g} in {null.shuffles} shuffles"
        return f"{ncut}, shuffled {shuffled} (p {null.p_value:.2g})"

    @classmethod
    def of(cls, network: Network, file: Examination, choice: Choice) -> NetworkPortrait:
        """Cluster a network and look at the clusters.

        Raises:
            Unavailable: it was not rebuilt, is too large or too small, or cannot be clustered.
        """
        _refuse(network, file, choice)
        partition = choice.partition
        found = file.result(partition, network)
        return cls(
            id=network.id,
            neurons=found.neurons,
            connections=network.connections,
            isolated_units=found.isolated_units,
            seed=choice.seed,
            ncut=found.ncut,
            spectral_sum=found.spectral_sum,
            in_out_ratio=_mean_ratio(found.ncut, choice.clusters),
            eigenvalues=file.result(LaplacianSpectrum(partition), network),
            null=_null(network, file, choice),
            clusters=_clusters(found, network, file, partition),
            labels=found.labels,
        )


def _refuse(network: Network, file: Examination, choice: Choice) -> None:
    if network.reason is not None:
        raise Unavailable(network.reason)
    if network.connections > choice.max_connections:
        raise Unavailable(too_large(network, file, choice.max_connections))


def _null(network: Network, file: Examination, choice: Choice) -> NullPortrait:
    if not choice.shuffles:
        return NullPortrait(0, "no shuffles were asked for")
    try:
        test = file.result(ClusterTest(choice.partition, choice.shuffles), network)
    except Unavailable as unavailable:
        return NullPortrait(choice.shuffles, str(unavailable))
    return NullPortrait(
        shuffles=len(test.null_samples),
        null_mean=test.null_mean,
        null_std=test.null_std,
        z_score=test.z_score,
        p_value=test.p_value,
        effect_size=test.effect_size,
        null_samples=test.null_samples,
    )


def _clusters(
    found: Clusters, network: Network, file: Examination, partition: Partition
) -> tuple[ClusterPortrait, ...]:
    weights, live = file.result(ClusterWeights(partition), network), sum(found.sizes)
    columns = (found.sizes, weights.within, weights.leaving, weights.in_out_ratios)
    return tuple(
        ClusterPortrait(cluster, size, size / live, within, leaving, ratio)
        for cluster, (size, within, leaving, ratio) in enumerate(zip(*columns, strict=True))
    )


def _mean_ratio(ncut: float, k: int) -> float:
    """In/out ratio of the mean cluster (arXiv 2103.03386, section 2.4)."""
    share = ncut / k
    return (1 - share) / (2 * share) if share else math.inf
