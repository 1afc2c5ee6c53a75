"""CLU001: a network that is no more clusterable than its own shuffled weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from modlint.analysis.clustering import ClusterNull, ClusterTest, Method, Null
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.rule import Examination, Need, NetworkRule
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.clusterability.options import PartitionOptions

_HELP = (
    "if modules are wanted, train for them with modlint-train"
    " (pip install ./plugins/modlint-train): clusterable_init_(model) before training,"
    " or loss + FixedPartition(model).penalty() in it; if not, ignore CLU001"
)


STATISTICS = {"filan2021": "ncut", "spectral": "spectral_sum"}
"""By method, the value that is compared with those of shuffles."""

EXTREMES = 10
"""Extremes that end the spectral test, as Besag & Clifford (1991) advise."""


class NotClusterableOptions(PartitionOptions, frozen=True):
    """Options of CLU001."""

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
    max_z: Annotated[
        float | None,
        msgspec.Meta(description="z-score that decides instead of p; negative is clusterable"),
    ] = None
    budget: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None,
        msgspec.Meta(description="seconds after which an unfinished test is inconclusive"),
    ] = None


class NotClusterable(NetworkRule[NotClusterableOptions]):
    """The published permutation test of clusterability."""

    code = "CLU001"
    name = "not-clusterable"
    summary = "neurons form no better clusters than those of the shuffled weights"
    severity = Severity.NOTE
    source = "Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, sections 2-3"
    options_type = NotClusterableOptions

    def needs(self) -> tuple[Need, ...]:
        """The test against shuffled weights."""
        return (self._test,)

    @property
    def _test(self) -> ClusterTest:
        options = self.options
        return ClusterTest(
            partition=options.partition,
            shuffles=options.shuffles,
            null=options.null,
            method=options.method,
            extremes=self._extremes,
            budget=options.budget,
        )

    @property
    def _extremes(self) -> int | None:
        """How many extremes end the test; the published test is never ended."""
        if self.options.extremes is None:
            return EXTREMES if self.options.method == "spectral" else None
        return self.options.extremes or None

    def check_network(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Compare the network's n-cut with those of its shuffles."""
        target = Target("network", network.id, network=network.id)
        self._require_enough_shuffles()
        result = file.network(self._test, network)
        passes, limit = self._decide(result)
        message, values = self._message(result, passes), self._values(result)
        yield (
            self.passed(target, message, values=values, limit=limit, confidence=network.confidence)
            if passes
            else self.failed(
                target,
                message,
                help=_HELP,
                values=values,
                limit=limit,
                confidence=network.confidence,
            )
        )

    def _require_enough_shuffles(self) -> None:
        options = self.options
        floor = 1 / (options.shuffles + 1)
        if options.max_z is None and floor > options.max_p:
            raise Unavailable(
                f"{options.shuffles} shuffles cannot give a p below {floor:.3g}, which is above"
                f" max-p {options.max_p:g}: set shuffles to {_shuffles_for(options.max_p)} or more"
            )

    def _decide(self, result: ClusterNull) -> tuple[bool, Mapping[str, Mapping[str, float]]]:
        max_z = self.options.max_z
        if max_z is not None:
            return result.z_score <= max_z, {"z_score": {"max": max_z}}
        return result.p_value <= self.options.max_p, {"p_value": {"max": self.options.max_p}}

    def _values(self, result: ClusterNull) -> dict[str, Any]:
        options, clusters = self.options, result.clusters
        return {
            "method": options.method,
            "statistic": STATISTICS[options.method],
            "null": options.null,
            "clusters": options.clusters,
            "shuffles": len(result.null_samples),
            "seed": options.seed,
            "neurons": clusters.neurons,
            "isolated_units": clusters.isolated_units,
            "ncut": clusters.ncut,
            "null_mean": result.null_mean,
            "null_std": result.null_std,
            "z_score": result.z_score,
            "robust_z": result.robust_z,
            "p_value": result.p_value,
            "p_interval": result.p_interval,
            "p_two_sided": result.p_two_sided,
            "effect_size": result.effect_size,
            "in_out_ratio": result.in_out_ratio,
            "spectral_sum": clusters.spectral_sum,
            "spectral_z": result.spectral.z_score,
            "spectral_p": result.spectral.p_value,
            "null_samples": result.null_samples,
        }

    def _message(self, result: ClusterNull, passes: bool) -> str:
        """What was measured, and what it means."""
        name, digits = ("n-cut", 2) if self.options.method == "filan2021" else ("spectral sum", 3)
        measured = (
            f"{name} {result.observed:.{digits}f} against {result.null_mean:.{digits}f}"
            f" ± {result.null_std:.2g} of {len(result.null_samples)} shuffles"
            f" (z {result.z_score:.1f}, p {result.p_value:.2g})"
        )
        if passes and result.z_score < 0:
            return f"{measured}: its neurons form better clusters than those of shuffled weights"
        if result.p_worse <= self.options.max_p:
            return f"{measured}: its neurons form worse clusters than those of shuffled weights"
        return f"{measured}: its neurons form no better clusters than those of shuffled weights"


def _shuffles_for(p: float) -> int:
    """The fewest shuffles that can give a p-value of `p`."""
    return math.ceil(1 / p - 1e-9) - 1
