"""What `modlint clusters` tells of a network, gathered from the analyses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import msgspec
from msgspec import Struct

from modlint.analysis.base import Progress
from modlint.analysis.clustering import MAX_CONNECTIONS
from modlint.analysis.partitions import SEEDS, Clustered, SeededPartition
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.portraits.lesions import LesionChoice, lesions_of
from modlint.portraits.shown import too_large
from modlint.portraits.verdicts import ModulesPortrait, NullPortrait, modules_of, null_of
from modlint.results.lesions import LesionTest
from modlint.results.partitions import End, SeededClusters
from modlint.rule import Examination

ISOLATED = -1
"""Label of neurons that are in no cluster."""

PUBLISHED = 12
"""Number of clusters of the published test, unless one is asked for."""

FEWER = (12, 8, 6, 4, 3)
"""Numbers of clusters where nothing says how many: the first for which there are units enough."""


class Choice(Struct, frozen=True):
    """What the user asks for.

    Attributes:
        clusters: number of clusters; None for as many as stand out.
        seed: of k-means and of the shuffles.
        shuffles: networks to compare with, by either test; 0 for none, None for as many as the
            rules ask for.
        max_connections: networks with more connections are not clustered.
        seeds: how many partitions are compared.
        method: which graph is clustered, as `SeededPartition` says.
        lesions: what the clusters are tried on, None for nothing.
    """

    clusters: int | None = None
    seed: int = 0
    shuffles: int | None = None
    max_connections: int = MAX_CONNECTIONS
    seeds: int = SEEDS
    method: Clustered = "matched"
    lesions: LesionChoice | None = None

    @property
    def published(self) -> int:
        """Number of clusters of the published test."""
        return self.clusters or PUBLISHED

    def partition(self, clusters: int) -> SeededPartition:
        """The analysis that clusters into so many."""
        return SeededPartition(
            clusters, self.seeds, self.seed, self.method, max_connections=self.max_connections
        )


class ClusterPortrait(msgspec.Struct, frozen=True):
    """One cluster.

    Attributes:
        cluster: its number.
        neurons: how many it has.
        share: of all that are in clusters.
        weight_within: of the edges between its neurons.
        weight_leaving: of those between one of them and another cluster's.
        in_out_ratio: the one by the other; null where nothing leaves.
        stability: mean over its neurons; null of one seed.
        inputs: the network's inputs that stand out in what runs into it.
        outputs: the network's outputs that stand out in what runs out of it.
    """

    cluster: int
    neurons: int
    share: float
    weight_within: float
    weight_leaving: float
    in_out_ratio: float | None
    stability: float | None
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]


class LayerPortrait(msgspec.Struct, frozen=True):
    """The neurons that one cluster has in one layer.

    Attributes:
        layer: its name.
        cluster: its number; −1 of neurons in none.
        neurons: how many.
        in_out_ratio: of the edges of these neurons alone; null where none leaves the cluster, or
            they are in none.
        stability: mean over them; null of one seed, or where they are in no cluster.
    """

    layer: str
    cluster: int
    neurons: int
    in_out_ratio: float | None
    stability: float | None


class NetworkPortrait(msgspec.Struct, frozen=True, kw_only=True):
    """A network's clusters.

    Attributes:
        id: of the network.
        neurons: how many it has, inputs and outputs included.
        connections: between them.
        isolated_units: neurons in no cluster: nothing, or next to nothing, runs through them.
        method: which graph was clustered: "matched", the balanced one; "filan2021", the weights.
        seed: of everything random.
        seeds: how many partitions were compared; the one shown agrees most with the others.
        agreement: mean adjusted Rand index of two of them; null of one.
        ncut: of the partition, on the graph that was clustered.
        spectral_sum: no partition into as many clusters has a smaller one.
        in_out_ratio: of the mean cluster; null where nothing leaves.
        eigenvalues: the smallest of the graph's normalised Laplacian.
        modules: the test of modules beyond unit strengths (CLU007).
        null: the published test (CLU001), of the weights as they are.
        clusters: one by one, the largest first.
        layers: what each cluster has in each layer.
        labels: by layer, a cluster for each neuron.
        stability: by layer, for each neuron the share of the other partitions that put it where
            they put most of its cluster.
        lesions: what is lost with each cluster's units of each layer; null without data.
    """

    id: str
    neurons: int
    connections: int
    isolated_units: int
    method: Clustered
    seed: int
    seeds: int
    agreement: float | None
    ncut: float
    spectral_sum: float
    in_out_ratio: float | None
    eigenvalues: tuple[float, ...]
    modules: ModulesPortrait
    null: NullPortrait
    clusters: tuple[ClusterPortrait, ...]
    layers: tuple[LayerPortrait, ...]
    labels: Mapping[str, tuple[int, ...]]
    stability: Mapping[str, tuple[float | None, ...]]
    lesions: LesionTest | None = None

    @property
    def summary(self) -> str:
        """Both verdicts, in words."""
        return f"{self.null.verdict_in_words}; {self.modules.verdict_in_words}"

    @classmethod
    def of(
        cls, network: Network, file: Examination, choice: Choice, progress: Progress
    ) -> NetworkPortrait:
        """Cluster a network and look at the clusters.

        Raises:
            Unavailable: it was not rebuilt, is too large or too small, or cannot be clustered; or
                lesions were asked for, and it cannot be run.
            UsageError: lesions were asked for, and it does not take the samples.
        """
        _refuse(network, file, choice)
        modules = modules_of(network, file, choice.seed, choice.shuffles, choice.max_connections)
        found = _found(network, file, choice, modules)
        return cls(
            id=network.id,
            neurons=found.neurons,
            connections=network.connections,
            isolated_units=found.isolated_units,
            method=choice.method,
            seed=choice.seed,
            seeds=found.seeds,
            agreement=found.agreement,
            ncut=found.ncut,
            spectral_sum=found.spectral_sum,
            in_out_ratio=_mean_ratio(found.ncut, len(found.sizes)),
            eigenvalues=found.eigenvalues,
            modules=modules,
            null=null_of(network, file, choice.published, choice.seed, choice.shuffles),
            clusters=tuple(_clusters(found)),
            layers=tuple(_layers(found)),
            labels=found.labels,
            stability={name: tuple(map(_known, own)) for name, own in found.stability.items()},
            lesions=_lesions(network, file, found, choice, progress),
        )


def _refuse(network: Network, file: Examination, choice: Choice) -> None:
    if network.reason is not None:
        raise Unavailable(network.reason)
    if network.connections > choice.max_connections:
        raise Unavailable(too_large(network, file, choice.max_connections))


def _found(
    network: Network, file: Examination, choice: Choice, modules: ModulesPortrait
) -> SeededClusters:
    """The clusters, as many as asked for, as stand out, or as there can be."""
    if choice.method == "filan2021":
        return file.result(choice.partition(choice.published), network)
    known = choice.clusters or modules.clusters
    *more, least = (known,) if known else FEWER
    for clusters in more:
        try:
            return file.result(choice.partition(clusters), network)
        except Unavailable:
            continue
    return file.result(choice.partition(least), network)


def _lesions(
    network: Network, file: Examination, found: SeededClusters, choice: Choice, progress: Progress
) -> LesionTest | None:
    if choice.lesions is None:
        return None
    return lesions_of(network, file, found.labels, choice.lesions, choice.seed, progress)


def _clusters(found: SeededClusters) -> Iterator[ClusterPortrait]:
    live, weights = sum(found.sizes), found.weights
    for cluster, size in enumerate(found.sizes):
        yield ClusterPortrait(
            cluster=cluster,
            neurons=size,
            share=size / live,
            weight_within=weights.within[cluster],
            weight_leaving=weights.leaving[cluster],
            in_out_ratio=weights.in_out_ratios[cluster],
            stability=_stable(found, tuple(found.labels), cluster),
            inputs=found.inputs[cluster],
            outputs=found.outputs[cluster],
        )


def _layers(found: SeededClusters) -> Iterator[LayerPortrait]:
    for layer, labels in found.labels.items():
        for cluster in sorted(set(labels), key=lambda c: (c == ISOLATED, c)):
            inside = cluster != ISOLATED
            yield LayerPortrait(
                layer=layer,
                cluster=cluster,
                neurons=labels.count(cluster),
                in_out_ratio=found.layers[layer].in_out_ratios[cluster] if inside else None,
                stability=_stable(found, (layer,), cluster) if inside else None,
            )


def _stable(found: SeededClusters, layers: Sequence[str], cluster: int) -> float | None:
    """The mean stability of a cluster's neurons in some layers."""
    if found.agreement is None:
        return None
    return fmean(
        share
        for layer in layers
        for label, share in zip(found.labels[layer], found.stability[layer], strict=True)
        if label == cluster
    )


def _known(share: float) -> float | None:
    return None if math.isnan(share) else share


def _mean_ratio(ncut: float, k: int) -> float:
    """In/out ratio of the mean cluster (arXiv 2103.03386, section 2.4)."""
    share = ncut / k
    return (1 - share) / (2 * share) if share else math.inf
