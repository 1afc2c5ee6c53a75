"""CLU007: units that group no more than their strengths alone make them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from modlint.analysis.clustering import MAX_CONNECTIONS
from modlint.analysis.flow import THRESHOLD
from modlint.analysis.modules import CLUSTERS, MatchedTest
from modlint.network import Network
from modlint.results.modules import ModuleTest
from modlint.rule import Examination, Need, Options
from modlint.targets import of_network, whole_file
from modlint.verdict import Verdict
from modlint_rules.clusterability import NO_MODULES
from modlint_rules.clusterability.options import require_enough_shuffles
from modlint_rules.clusterability.size import GraphRule, with_parts

_HELP = (
    "if modules are wanted, train for them (modlint-train: clusterable_init_, FixedPartition);"
    " if CLU001 passes all the same, what it finds is strong and weak units, not modules; if none"
    " are wanted, ignore CLU007"
)
_NO_HIDDEN = "no network of the file has hidden units"


class NoModulesOptions(Options, frozen=True):
    """Options of CLU007."""

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


class NoModules(GraphRule[NoModulesOptions], reference=NO_MODULES):
    """The test of modules beyond unit strengths."""

    options_type = NoModulesOptions

    def needs(self) -> tuple[Need, ...]:
        """The test."""
        return with_parts(self.options.test)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each network of the file that has hidden units."""
        found = list(super().check(file))
        yield from found
        if not found:
            yield self.not_applicable(whole_file(file.checkpoint), _NO_HIDDEN)

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Compare the network with those whose units of like strength traded places."""
        if not any(group.role == "hidden" for group in network.groups):
            return
        require_enough_shuffles(self.options.shuffles, self.options.max_p)
        found = file.result(self.options.test, network)
        stands_out = found.p_value <= self.options.max_p
        passes = stands_out and found.effect_size >= self.options.min_effect
        what = "modules" if passes else "only weak modules" if stands_out else "no modules"
        yield self.decided(
            of_network(network),
            f"{what} {_measured(found)}",
            passes=passes,
            help=_HELP,
            values=self._values(found),
            limit={
                "p_value": {"max": self.options.max_p},
                "effect_size": {"min": self.options.min_effect},
            },
            confidence=network.confidence,
        )

    def _values(self, found: ModuleTest) -> dict[str, Any]:
        return {
            "clusters": found.clusters,
            "effect_size": found.effect_size,
            "p_value": found.p_value,
            "p_interval": found.p_interval,
            "shuffles": len(found.null_samples),
            "bin_size": self.options.bin_size,
            "seed": self.options.seed,
            "neurons": found.neurons,
            "isolated_units": found.unconnected,
            "negligible": found.negligible,
            "exchangeable": found.exchangeable,
            "layers": found.layers,
            "scan": {
                str(step.clusters): {
                    "spectral_sum": step.spectral_sum,
                    "median": step.median,
                    "standardised": step.standardised,
                    "effect_size": step.effect_size,
                }
                for step in found.scan
            },
            "smallest": found.smallest,
            "null_samples": found.null_samples,
        }


def _measured(found: ModuleTest) -> str:
    """The measurement in a sentence, from its second word on."""
    side = "below" if found.effect_size >= 0 else "above"
    low, high = found.p_interval
    return (
        f"beyond unit strengths: S_k is {abs(found.effect_size):.1%} {side} that after like units"
        f" trade places (k* {found.clusters}, p {found.p_value:.2g}, {low:.2g} to {high:.2g}"
        f"{_left_out(found)})"
    )


def _left_out(found: ModuleTest) -> str:
    parts = [
        f"{number:,} {how}"
        for number, how in (
            (found.unconnected, "without weights"),
            (found.negligible, "without flow"),
        )
        if number
    ]
    return f"; left out: {', '.join(parts)}" if parts else ""
