"""Both tests of a network's clusters, as `modlint clusters` tells of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.modules import MatchedTest
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.clusters import ClusterNull
from modlint.results.modules import MAX_P, Modularity
from modlint.rule import Examination

NOT_ASKED = "no shuffles were asked for"

Clusterability = Literal["better", "no better", "worse"]


class ModulesPortrait(msgspec.Struct, frozen=True):
    """The test of modules beyond unit strengths.

    Attributes:
        shuffles: networks in which units of like strength traded places.
        verdict: "modules", "weak" or "none"; null where there is none, and `reason` says why.
        reason: why there is no verdict.
        clusters: k*, the number of clusters that stands out most; null without a test.
        p_value: of the whole scan.
        effect_size: for k*: how much lower the spectral sum is than the median of those networks.
    """

    shuffles: int
    verdict: Modularity | None = None
    reason: str | None = None
    clusters: int | None = None
    p_value: float | None = None
    effect_size: float | None = None

    @property
    def verdict_in_words(self) -> str:
        """What the test found."""
        if self.verdict is None:
            return f"modules not tested (matched): {self.reason}"
        said = {"modules": "modules", "weak": "only weak modules", "none": "no modules"}
        return f"{said[self.verdict]} beyond unit strengths (matched)"


class NullPortrait(msgspec.Struct, frozen=True):
    """The published test: the n-cut of clusters among those of shuffled weights.

    Attributes:
        shuffles: shuffled networks.
        reason: why there is no null distribution, or no verdict.
        null_mean: of their n-cuts.
        null_std: their standard deviation.
        z_score: of the network.
        p_value: chance of a shuffle as low.
        effect_size: how much lower the network's n-cut is than the median.
        null_samples: the n-cuts.
        verdict: whether its clusters are "better" than theirs, "no better" or "worse".
        clusters: number of clusters of this test.
        ncut: of the network in this test.
    """

    shuffles: int
    reason: str | None = None
    null_mean: float | None = None
    null_std: float | None = None
    z_score: float | None = None
    p_value: float | None = None
    effect_size: float | None = None
    null_samples: tuple[float, ...] = ()
    verdict: Clusterability | None = None
    clusters: int | None = None
    ncut: float | None = None

    @property
    def verdict_in_words(self) -> str:
        """What the test found."""
        if self.verdict is None:
            return f"not compared with shuffled weights (paper): {self.reason}"
        return f"{self.verdict} clusters than shuffled weights (paper)"


def modules_of(
    network: Network, file: Examination, seed: int, shuffles: int | None, max_connections: int
) -> ModulesPortrait:
    """Test a network for modules, with as many exchanged ones as CLU007 where none are named."""
    if shuffles == 0:
        return ModulesPortrait(0, reason=NOT_ASKED)
    test = MatchedTest(seed=seed, max_connections=max_connections)
    if shuffles is not None:
        test = msgspec.structs.replace(test, shuffles=shuffles)
    try:
        found = file.result(test, network)
    except Unavailable as unavailable:
        return ModulesPortrait(test.shuffles, reason=str(unavailable))
    reason = _too_few(test.shuffles)
    return ModulesPortrait(
        shuffles=test.shuffles,
        verdict=None if reason else found.found(),
        reason=reason,
        clusters=found.clusters,
        p_value=found.p_value,
        effect_size=found.effect_size,
    )


def null_of(
    network: Network, file: Examination, clusters: int, seed: int, shuffles: int | None
) -> NullPortrait:
    """Test a network's clusters, with as many shuffles as CLU001 where none are named."""
    if shuffles == 0:
        return NullPortrait(0, NOT_ASKED)
    test = ClusterTest(Partition(clusters, seed, network.connections))
    if shuffles is not None:
        test = msgspec.structs.replace(test, shuffles=shuffles)
    try:
        found = file.result(test, network)
    except Unavailable as unavailable:
        return NullPortrait(test.shuffles, str(unavailable), clusters=clusters)
    reason = _too_few(len(found.null_samples))
    return NullPortrait(
        shuffles=len(found.null_samples),
        reason=reason,
        null_mean=found.null_mean,
        null_std=found.null_std,
        z_score=found.z_score,
        p_value=found.p_value,
        effect_size=found.effect_size,
        null_samples=found.null_samples,
        verdict=None if reason else _verdict(found),
        clusters=clusters,
        ncut=found.observed,
    )


def _too_few(shuffles: int) -> str | None:
    floor = 1 / (shuffles + 1)
    if floor <= MAX_P:
        return None
    return f"{shuffles} shuffles cannot give a p below {floor:.2g}"


def _verdict(found: ClusterNull) -> Clusterability:
    if found.p_value <= MAX_P:
        return "better"
    return "worse" if found.p_worse <= MAX_P else "no better"
