"""NEU007: one unit that carries most of its layer's flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from modlint.network import Network
from modlint.results.units import FlowShare
from modlint.verdict import Target, Verdict
from modlint_rules.neurons import BOTTLENECK_NEURON
from modlint_rules.neurons.flow_share_rule import FlowShareOptions, FlowShareRule


class BottleneckNeuronOptions(FlowShareOptions, frozen=True):
    """Options of NEU007."""

    max_share: Annotated[
        float,
        msgspec.Meta(description="share of a layer's flow that one unit may carry", gt=0, le=1),
    ] = 0.5


class BottleneckNeuron(FlowShareRule[BottleneckNeuronOptions], reference=BOTTLENECK_NEURON):
    """A unit that the whole output hangs on, beside others that hardly matter."""

    options_type = BottleneckNeuronOptions
    sound = "in none does one unit carry most of the flow"

    def width(self) -> int:
        """Units that a layer must have to be judged."""
        return self.options.min_width

    def measured(self, shares: Sequence[FlowShare]) -> dict[str, float]:
        """The largest share of a unit."""
        return {"largest_share": max(share.largest for share in shares)}

    def finding(self, network: Network, share: FlowShare) -> Verdict | None:
        """A finding where the largest share is above the limit."""
        if share.largest <= self.options.max_share:
            return None
        return self.failed(
            Target("units", share.layer, network=network.id, units=(share.unit,)),
            f"unit {share.unit} carries {share.largest:.1%} of the flow of weight through"
            f" {share.total:,} units: where it fails or saturates, the layer says next to nothing",
            help="see whether its weights have diverged (too high a learning rate, no weight"
            " decay); where they are right, the layer may be far narrower",
            values={
                "unit": share.unit,
                "largest_share": share.largest,
                "total": share.total,
                "connected": share.connected,
                "participation": share.participation,
            },
            limit={"largest_share": {"max": self.options.max_share}},
            confidence=network.confidence,
        )
