"""CLU007: units that group no more than their strengths alone make them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.network import Network
from modlint.results.modules import ModuleTest
from modlint.rule import Examination, Need
from modlint.targets import of_network
from modlint.verdict import Verdict
from modlint_rules.clusterability import NO_MODULES
from modlint_rules.clusterability.modular import ModularRule
from modlint_rules.clusterability.options import ModuleOptions
from modlint_rules.clusterability.size import with_parts

_HELP = (
    "if modules are wanted, train for them (modlint-train: WiringCost);"
    " if CLU001 passes all the same, what it finds is strong and weak units, not modules; if none"
    " are wanted, ignore CLU007"
)


_SHOWN = 5e-4
"""Smallest share that is not shown as 0.0%."""


class NoModules(ModularRule[ModuleOptions], reference=NO_MODULES):
    """The test of modules beyond unit strengths."""

    options_type = ModuleOptions

    def needs(self) -> tuple[Need, ...]:
        """The test."""
        return with_parts(self.options.test)

    def judge_modules(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Compare the network with those whose units of like strength traded places."""
        self.options.require_enough_shuffles()
        found = file.result(self.options.test, network)
        yield self.decided(
            of_network(network),
            f"{self.options.reading(found)} {_measured(found)}",
            passes=self.options.holds(found),
            help=_HELP,
            values=self._values(found),
            limit=self.options.limit,
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
    side = "above" if found.effect_size < -_SHOWN else "below"
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
