"""Whether anything leads from a network's input to its output."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.results.units import SignalPath


class InputReach(NetworkAnalysis[SignalPath], frozen=True):
    """What of a network's output its input can change; zeros are exact.

    A norm that is zero throughout is taken to pass what it reads: so residual branches begin.
    """

    name: ClassVar[str] = "input-reach"
    description: ClassVar[str] = "whether a path leads from a network's input to its output"

    def compute(self, network: Network, inputs: Inputs) -> SignalPath:
        """Follow what varies with the input.

        Raises:
            Unavailable: a weight is not what the network says.
        """
        from modlint.numerics.graph.signal_path import input_reach

        return input_reach(network, inputs)
