"""The options that rules on one partition, or on one permutation test, share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from modlint.analysis.base import NetworkAnalysis
from modlint.analysis.clustering import MAX_CONNECTIONS, WEIGHTS, ClusterTest, Partition
from modlint.analysis.flow import THRESHOLD
from modlint.analysis.graphs import ConvolutionGraph
from modlint.analysis.modules import CLUSTERS, MatchedTest
from modlint.errors import Unavailable
from modlint.results.clusters import Method, Null
from modlint.results.graphs import Graph
from modlint.results.modules import ModuleTest
from modlint.rule import Options

EXTREMES = 10
"""Extremes that end the spectral test, as Besag & Clifford (1991) advise."""


class PartitionOptions(Options, frozen=True):
    """Which partition of the neurons a rule judges; rules that agree on it share the work."""

    clusters: Annotated[
        int, msgspec.Meta(description="number of clusters that neurons are put into", ge=2)
    ] = 12
    seed: Annotated[
        int, msgspec.Meta(description="names the random numbers of k-means and shuffles", ge=0)
    ] = 0
    max_connections: Annotated[
        int,
        msgspec.Meta(description="connections above which a network is not clustered", ge=1),
    ] = MAX_CONNECTIONS

    @property
    def partition(self) -> Partition:
        """The partition of the weights' own graph."""
        return self.partition_of(WEIGHTS)

    def partition_of(self, graph: NetworkAnalysis[Graph]) -> Partition:
        """The partition of a variant of the graph."""
        return Partition(self.clusters, self.seed, self.max_connections, graph)


class PermutationOptions(PartitionOptions, frozen=True):
    """Which test against shuffles a rule judges by; rules that agree on it share the work."""

    shuffles: Annotated[
        int, msgspec.Meta(description="number of shuffled networks to compare with", ge=2)
    ] = 50
    method: Annotated[
        Method,
        msgspec.Meta(
            description="the statistic: filan2021, the n-cut of arXiv 2103.03386; spectral, its"
            " lower bound over all partitions"
        ),
    ] = "filan2021"
    extremes: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(
            description="shuffles as low, and as high, as the network that end the test early;"
            " 0 for never, unset for 10 with the method spectral and never with filan2021"
        ),
    ] = None
    null: Annotated[
        Null,
        msgspec.Meta(
            description="which entries of a layer's weights a shuffle permutes:"
            " layer, all; layer-nonzero, those that are not zero"
        ),
    ] = "layer"
    max_p: Annotated[
        float,
        msgspec.Meta(description="p-value up to which a network counts as clusterable", gt=0, le=1),
    ] = 0.05
    budget: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None,
        msgspec.Meta(description="seconds after which an unfinished test is inconclusive"),
    ] = None

    def test(self, graph: NetworkAnalysis[Graph] = WEIGHTS) -> ClusterTest:
        """The test of a variant of the graph."""
        return ClusterTest(
            partition=self.partition_of(graph),
            shuffles=self.shuffles,
            null=self.null,
            method=self.method,
            extremes=self._most_extremes,
            budget=self.budget,
        )

    def require_enough_shuffles(self) -> None:
        """Refuse a number of shuffles that can give no p of `max-p`.

        Raises:
            Unavailable: it is too small.
        """
        require_enough_shuffles(self.shuffles, self.max_p)

    @property
    def _most_extremes(self) -> int | None:
        """How many extremes end the test; the published test is never ended."""
        if self.extremes is None:
            return EXTREMES if self.method == "spectral" else None
        return self.extremes or None


class NotClusterableOptions(PermutationOptions, frozen=True):
    """Options of CLU001."""

    max_z: Annotated[
        float | None,
        msgspec.Meta(description="z-score that decides instead of p; negative is clusterable"),
    ] = None
    part: Annotated[
        Literal["network", "convolutions"],
        msgspec.Meta(
            description="of which part: network, all of it; convolutions, the channels that"
            " convolutions make, without inputs and fully connected layers"
        ),
    ] = "network"

    def part_of(self, graph: NetworkAnalysis[Graph]) -> NetworkAnalysis[Graph]:
        """A variant of the graph, or the part of it that is chosen."""
        return graph if self.part == "network" else ConvolutionGraph(graph)


class ModuleOptions(Options, frozen=True):
    """Which test of modules a rule judges by; rules that agree on it share the work."""

    clusters: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=2)], ...],
        msgspec.Meta(description="numbers of clusters that are looked at", min_length=1),
    ] = CLUSTERS
    shuffles: Annotated[
        int,
        msgspec.Meta(description="networks with units exchanged to compare with", ge=2),
    ] = 99
    bin_size: Annotated[
        int,
        msgspec.Meta(
            description="units, neighbours in strength, among which places are traded", ge=2
        ),
    ] = 4
    seed: Annotated[int, msgspec.Meta(description="names the random numbers", ge=0)] = 0
    max_p: Annotated[
        float,
        msgspec.Meta(description="p-value up to which a network counts as modular", gt=0, le=1),
    ] = 0.05
    min_effect: Annotated[
        float,
        msgspec.Meta(
            description="share of the spectral sum, below which modules are too weak to count",
            ge=0,
            le=1,
        ),
    ] = 0.01
    min_flow: Annotated[
        float,
        msgspec.Meta(
            description="flow, over the layer's mean, below which a unit is left out", ge=0, lt=1
        ),
    ] = THRESHOLD
    max_connections: Annotated[
        int, msgspec.Meta(description="connections above which a network is not tested", ge=1)
    ] = MAX_CONNECTIONS

    @property
    def test(self) -> MatchedTest:
        """The test that these ask for."""
        return MatchedTest(
            clusters=self.clusters,
            shuffles=self.shuffles,
            bin_size=self.bin_size,
            seed=self.seed,
            min_flow=self.min_flow,
            max_connections=self.max_connections,
        )

    @property
    def limit(self) -> Mapping[str, Mapping[str, float]]:
        """What counts as modules."""
        return {"p_value": {"max": self.max_p}, "effect_size": {"min": self.min_effect}}

    def holds(self, found: ModuleTest) -> bool:
        """Whether a network has modules."""
        return found.p_value <= self.max_p and found.effect_size >= self.min_effect

    def reading(self, found: ModuleTest) -> str:
        """What a test finds, in a word or three."""
        if self.holds(found):
            return "modules"
        return "only weak modules" if found.p_value <= self.max_p else "no modules"

    def require_enough_shuffles(self) -> None:
        """Refuse a number of exchanged networks that can give no p of `max-p`.

        Raises:
            Unavailable: it is too small.
        """
        require_enough_shuffles(self.shuffles, self.max_p)


def require_enough_shuffles(shuffles: int, max_p: float) -> None:
    """Refuse a number of shuffles that can give no p as small as a limit.

    Raises:
        Unavailable: it is too small.
    """
    floor = 1 / (shuffles + 1)
    if floor > max_p:
        raise Unavailable(
            f"{shuffles} shuffles cannot give a p below {floor:.3g}, which is above"
            f" max-p {max_p:g}: set shuffles to {math.ceil(1 / max_p - 1e-9) - 1} or more"
        )
