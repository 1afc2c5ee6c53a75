"""CLU004: a verdict on clusterability that units without flow decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from modlint.analysis.flow import THRESHOLD, CarryingUnits
from modlint.analysis.graphs import CarryingGraph
from modlint.errors import Unavailable
from modlint.network import GroupRole, Network
from modlint.results.clusters import ClusterNull
from modlint.rule import Examination, Need
from modlint.targets import of_network
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.clusterability import DEAD_UNITS_CHANGE_VERDICT
from modlint_rules.clusterability.options import PermutationOptions
from modlint_rules.clusterability.size import GraphRule, with_parts

_HELP = (
    "go by the verdict without them, and prune them: NEU001 and NEU002 name those in hidden layers."
    " If so many are unintended, train with less weight decay or L1"
)


class DeadUnitsOptions(PermutationOptions, frozen=True):
    """Options of CLU004; with those of CLU001 it shares the test of the whole network."""

    min_flow: Annotated[
        float,
        msgspec.Meta(
            description="flow, over the layer's mean, below which a unit carries nothing",
            gt=0,
            lt=1,
        ),
    ] = THRESHOLD
    min_change: Annotated[
        float,
        msgspec.Meta(
            description="change of the z-score below which another verdict is put down to chance",
            ge=0,
        ),
    ] = 2.0


class DeadUnitsChangeVerdict(GraphRule[DeadUnitsOptions], reference=DEAD_UNITS_CHANGE_VERDICT):
    """The test of clusterability, with and without units of negligible flow."""

    options_type = DeadUnitsOptions

    def needs(self) -> tuple[Need, ...]:
        """Which units carry something, and the tests, which are asked for where some do not."""
        options = self.options
        return with_parts(
            CarryingUnits(options.min_flow), options.test(), options.test(self._graph)
        )

    @property
    def _graph(self) -> CarryingGraph:
        return CarryingGraph(self.options.min_flow)

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Test twice where some unit carries nothing, and compare."""
        options = self.options
        target = of_network(network)
        dropped = file.result(CarryingUnits(options.min_flow), network).dropped
        if not dropped:
            yield self.passed(
                target,
                "no unit of negligible flow",
                values={"negligible": 0},
                confidence=network.confidence,
            )
            return
        options.require_enough_shuffles()
        whole = file.result(options.test(), network)
        yield self._judge(network, dropped, whole, self._without(network, file))

    def _without(self, network: Network, file: Examination) -> ClusterNull:
        """The test without units of negligible flow.

        Raises:
            Unavailable: it has no answer, and this is why.
        """
        try:
            return file.result(self.options.test(self._graph), network)
        except Unavailable as unavailable:
            raise Unavailable(f"without units of negligible flow: {unavailable}") from unavailable

    def _judge(
        self,
        network: Network,
        dropped: Mapping[GroupRole, int],
        whole: ClusterNull,
        without: ClusterNull,
    ) -> Verdict:
        target = of_network(network)
        values = self._values(dropped, whole, without)
        confidence = network.confidence
        before, after = self._reading(whole), self._reading(without)
        measured = (
            f"clusters are {before} than shuffled with {count(sum(dropped.values()), 'unit')} of"
            f" negligible flow ({_figures(whole)}), {after} without ({_figures(without)})"
        )
        if before == after:
            return self.passed(target, measured, values=values, confidence=confidence)
        if abs(whole.z_score - without.z_score) < self.options.min_change:
            message = f"{measured}: so small a change may be chance"
            return self.passed(target, message, values=values, confidence=confidence)
        return self.failed(target, measured, help=_HELP, values=values, confidence=confidence)

    def _reading(self, result: ClusterNull) -> str:
        """What a test says of the network's clusters beside those of its shuffles."""
        if result.z_score < 0 and result.p_value <= self.options.max_p:
            return "better"
        worse = result.z_score > 0 and result.p_worse <= self.options.max_p
        return "worse" if worse else "no better"

    def _values(
        self, dropped: Mapping[GroupRole, int], whole: ClusterNull, without: ClusterNull
    ) -> dict[str, Any]:
        options = self.options
        return {
            "negligible": sum(dropped.values()),
            "by_role": dict(dropped),
            "method": options.method,
            "null": options.null,
            "clusters": options.clusters,
            "shuffles": options.shuffles,
            "seed": options.seed,
            "ncut": whole.clusters.ncut,
            "z_score": whole.z_score,
            "p_value": whole.p_value,
            "ncut_without": without.clusters.ncut,
            "z_score_without": without.z_score,
            "p_value_without": without.p_value,
        }


def _figures(result: ClusterNull) -> str:
    return f"z {result.z_score:.1f}, p {result.p_value:.2g}"
