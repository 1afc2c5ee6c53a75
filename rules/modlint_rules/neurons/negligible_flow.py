"""NEU002: hidden units through which nearly no weight runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.analysis.flow import THRESHOLD, NegligibleUnits
from modlint.network import Network
from modlint.results.units import GroupFlow
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.neurons import NEGLIGIBLE_FLOW

NO_HIDDEN_LAYER = "no network of the file has a hidden layer"
_HELP = (
    "prune them: the output hardly changes. If so many are unintended, train with less weight"
    " decay or L1, or with a narrower layer"
)


class NegligibleFlowOptions(Options, frozen=True):
    """Options of NEU002."""

    min_flow: Annotated[
        float,
        msgspec.Meta(
            description="flow, over the layer's mean, below which a unit carries nothing",
            gt=0,
            lt=1,
        ),
    ] = THRESHOLD
    max_share: Annotated[
        float,
        msgspec.Meta(description="share of a layer's units that may carry nothing", ge=0, le=1),
    ] = 0.05


class NegligibleFlow(NetworkRule[NegligibleFlowOptions], reference=NEGLIGIBLE_FLOW):
    """Hidden units that are connected, but by weights so small that nothing runs through them."""

    options_type = NegligibleFlowOptions
    absent = NO_HIDDEN_LAYER

    def needs(self) -> tuple[Need, ...]:
        """The flow of each hidden unit."""
        return (self._analysis,)

    @property
    def _analysis(self) -> NegligibleUnits:
        return NegligibleUnits(self.options.min_flow)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """One verdict for each hidden layer; what passes along a residual stream is none."""
        for group in file.result(self._analysis, network):
            if group.group not in network.streams:
                yield self._judge(network, group)

    def _judge(self, network: Network, group: GroupFlow) -> Verdict:
        share = len(group.negligible) / group.total
        values = {
            "negligible": len(group.negligible),
            "total": group.total,
            "share": share,
            "indices": group.negligible,
            "unconnected": len(group.unconnected),
            "smallest_flow": group.smallest,
            "min_flow": self.options.min_flow,
        }
        limit = {"share": {"max": self.options.max_share}}
        units = count(group.total, "hidden unit")
        summary = f"{len(group.negligible):,} of {units} carry next to nothing"
        if share <= self.options.max_share:
            target = Target("layer", group.layer, network=network.id)
            return self.passed(
                target, summary, values=values, limit=limit, confidence=network.confidence
            )
        return self.failed(
            Target("units", group.layer, network=network.id, units=group.negligible),
            f"{summary} ({share:.1%}): the flow of weight through each is below"
            f" {self.options.min_flow:g} of the layer's mean",
            help=_HELP,
            values=values,
            limit=limit,
            confidence=network.confidence,
        )
