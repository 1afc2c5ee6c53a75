"""Channels of which a norm leaves next to nothing."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.results.units import NormScales


class SilencedChannels(NetworkAnalysis["tuple[NormScales, ...]"], frozen=True):
    """Channels that norms scale to nothing, or shift to where a ReLU gives zero.

    Behind a normalisation a channel has mean 0 and variance 1 over the data, so that γ and β alone
    say how it is spread.

    Attributes:
        faint: abs γ, over the mean of the norm's, below which a channel is silenced.
        shut: β over abs γ below which it is, where a ReLU follows.
    """

    faint: float = 1e-3
    shut: float = -4.0

    name: ClassVar[str] = "silenced-channels"
    description: ClassVar[str] = "channels that norms scale to nothing, or shift below zero"

    def compute(self, network: Network, inputs: Inputs) -> tuple[NormScales, ...]:
        """Each norm that has scales, once.

        Raises:
            Unavailable: a scale or a shift is not finite, or cannot be read.
        """
        from modlint.numerics.graph.norm_scales import silenced_channels

        return silenced_channels(network, inputs, self.faint, self.shut)
