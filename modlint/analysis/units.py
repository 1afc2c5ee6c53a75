"""What reaches and leaves each hidden unit: its weights in and out, and its bias."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.results.units import LayerUnits


class UnitWeights(NetworkAnalysis[tuple[LayerUnits, ...]], frozen=True):
    """Hidden units without in-weights or without out-weights, norms folded."""

    name: ClassVar[str] = "unit-weights"
    description: ClassVar[str] = "hidden units without weights in or out"

    def compute(self, network: Network, inputs: Inputs) -> tuple[LayerUnits, ...]:
        """Inspect every hidden group.

        Raises:
            Unavailable: a weight's shape contradicts the network.
        """
        from modlint.numerics.graph.units import inspect_units

        return inspect_units(network, inputs)
