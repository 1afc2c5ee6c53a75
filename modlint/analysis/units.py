"""What reaches and leaves each hidden unit: its weights in and out, and its bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from modlint.analysis import Inputs, NetworkAnalysis
from modlint.network import Network


@dataclass(frozen=True, slots=True)
class LayerUnits:
    """The units of one hidden group that can do nothing.

    Attributes:
        group: the group's name.
        layer: name of the layer that drives the group.
        total: number of units.
        silent: units whose out-weights are all zero, over all layers that read the group; none
            where something besides layers reads it too.
        constant: units whose in-weights are all zero: their output never changes.
        off: those of `constant` whose pre-activation, the folded norms' shift included, is not
            positive.
        activation: the group's activation, None where unknown or where its drivers differ.
    """

    group: str
    layer: str
    total: int
    silent: tuple[int, ...]
    constant: tuple[int, ...]
    off: tuple[int, ...]
    activation: str | None


@dataclass(frozen=True, slots=True)
class UnitWeights(NetworkAnalysis[tuple[LayerUnits, ...]]):
    """Hidden units without in-weights or without out-weights, norms folded."""

    name: ClassVar[str] = "unit-weights"
    description: ClassVar[str] = "hidden units without weights in or out"

    def compute(self, network: Network, inputs: Inputs) -> tuple[LayerUnits, ...]:
        """Inspect every hidden group.

        Raises:
            Unavailable: a weight's shape contradicts the network.
        """
        from modlint.analysis.numerics.units import inspect_units

        return inspect_units(network, inputs)
