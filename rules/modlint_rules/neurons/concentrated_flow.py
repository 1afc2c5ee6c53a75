"""NEU006: few units that carry nearly all of their layer's flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from modlint.network import Network
from modlint.results.units import FlowShare
from modlint.verdict import Target, Verdict
from modlint_rules.neurons import CONCENTRATED_FLOW
from modlint_rules.neurons.flow_share_rule import FlowShareOptions, FlowShareRule


class ConcentratedFlowOptions(FlowShareOptions, frozen=True):
    """Options of NEU006."""

    min_participation: Annotated[
        float,
        msgspec.Meta(
            description="units that share the flow, as a share of the connected ones", ge=0, le=1
        ),
    ] = 0.05


class ConcentratedFlow(FlowShareRule[ConcentratedFlowOptions], reference=CONCENTRATED_FLOW):
    """Layers whose flow runs through a handful of their units."""

    options_type = ConcentratedFlowOptions
    sound = "in none do a few units carry nearly all of the flow"

    def width(self) -> int:
        """Connected units that a layer must have to be judged."""
        return self.options.min_width

    def counted(self, share: FlowShare) -> int:
        """Those with weights in and out: the others are dead, which NEU001 tells."""
        return share.connected

    def measured(self, shares: Sequence[FlowShare]) -> dict[str, float]:
        """The least participation ratio."""
        return {"participation": min(share.participation for share in shares)}

    def finding(self, network: Network, share: FlowShare) -> Verdict | None:
        """A finding where the participation ratio is below the limit."""
        if share.participation >= self.options.min_participation:
            return None
        carrying = share.participation * share.connected
        return self.failed(
            Target("layer", share.layer, network=network.id),
            f"the flow of weight is that of {carrying:.1f} units, of {share.connected:,}"
            f" (participation ratio {share.participation:.3f}): most add next to nothing",
            help="a narrower layer may do as well: prune the units of least flow and compare; if a"
            " redundant code was intended, train with dropout or less L1",
            values={
                "participation": share.participation,
                "carrying": carrying,
                "connected": share.connected,
                "largest_share": share.largest,
            },
            limit={"participation": {"min": self.options.min_participation}},
            confidence=network.confidence,
        )
