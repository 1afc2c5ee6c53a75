"""CLU001: a network that is no more clusterable than its own shuffled weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modlint.analysis.clustering import WEIGHTS, ClusterTest, SpectralSum
from modlint.analysis.graphs import FlowGraph
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.clusters import ClusterNull
from modlint.rule import Examination, Need
from modlint.targets import of_network
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.clusterability import NOT_CLUSTERABLE
from modlint_rules.clusterability.options import NotClusterableOptions
from modlint_rules.clusterability.size import GraphRule, with_parts

_HELP = (
    "if modules are wanted, train for them: modlint-train (the folder plugins/modlint-train of"
    " modlint's repository) has clusterable_init_(model), to be called before training, and"
    " FixedPartition(model).penalty(), to be added to the loss; if not, ignore CLU001"
)


STATISTICS = {"filan2021": "ncut", "spectral": "spectral_sum"}
"""By method, the value that is compared with those of shuffles."""


class NotClusterable(GraphRule[NotClusterableOptions], reference=NOT_CLUSTERABLE):
    """The published permutation test of clusterability."""

    options_type = NotClusterableOptions

    def needs(self) -> tuple[Need, ...]:
        """The test against shuffled weights, and the sum that no unit's scale changes."""
        return with_parts(self._test, self._scale_free_sum)

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Compare the network's n-cut with those of its shuffles."""
        if self.options.max_z is None:
            self.options.require_enough_shuffles()
        result = file.result(self._test, network)
        passes, limit = self._decide(result)
        yield self.decided(
            of_network(network),
            self._message(result, passes),
            passes=passes,
            help=_HELP,
            values=self._values(result, self._scale_free(network, file)),
            limit=limit,
            confidence=network.confidence,
        )

    def _scale_free(self, network: Network, file: Examination) -> float | None:
        """S_k of the flow along the weights, which the scales of units leave as it is."""
        try:
            return file.result(self._scale_free_sum, network)
        except Unavailable:
            return None

    @property
    def _scale_free_sum(self) -> SpectralSum:
        return SpectralSum(self.options.partition_of(self.options.part_of(FlowGraph())))

    @property
    def _test(self) -> ClusterTest:
        return self.options.test(self.options.part_of(WEIGHTS))

    def _decide(self, result: ClusterNull) -> tuple[bool, Mapping[str, Mapping[str, float]]]:
        max_z = self.options.max_z
        if max_z is not None:
            return result.z_score <= max_z, {"z_score": {"max": max_z}}
        return result.p_value <= self.options.max_p, {"p_value": {"max": self.options.max_p}}

    def _values(self, result: ClusterNull, scale_free: float | None) -> dict[str, Any]:
        options, clusters = self.options, result.clusters
        return {
            "method": options.method,
            "statistic": STATISTICS[options.method],
            "null": options.null,
            "part": options.part,
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
            "spectral_z": result.spectral and result.spectral.z_score,
            "spectral_p": result.spectral and result.spectral.p_value,
            "scale_free_sum": scale_free,
            "null_samples": result.null_samples,
        }

    def _message(self, result: ClusterNull, passes: bool) -> str:
        """What was measured, and what it means."""
        name, digits = ("n-cut", 2) if self.options.method == "filan2021" else ("spectral sum", 3)
        isolated = result.clusters.isolated_units
        left_out = f", {count(isolated, 'isolated neuron')} left out" if isolated else ""
        return (
            f"{name} {result.observed:.{digits}f} against {result.null_mean:.{digits}f}"
            f" ± {result.null_std:.2g} of {len(result.null_samples)} shuffles"
            f" (z {result.z_score:.1f}, p {result.p_value:.2g}{left_out}):"
            f" its neurons form {self._reading(result, passes)}"
        )

    def _reading(self, result: ClusterNull, passes: bool) -> str:
        """How the clusters compare with those of shuffles, in agreement with the verdict."""
        max_z, max_p = self.options.max_z, self.options.max_p
        limit = f"max-p {max_p:g}" if max_z is None else f"max-z {max_z:g}"
        better, than = result.z_score < 0, "clusters than those of shuffled weights"
        if passes:
            return f"better {than}" if better else f"no better {than}, which {limit} allows"
        if better and max_z is not None:
            return f"better {than}, but by less than {limit} asks for"
        worse = result.z_score > 0 and result.p_worse <= max_p
        return f"{'worse' if worse else 'no better'} {than}"
