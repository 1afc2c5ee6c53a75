"""Connected components of a network's weight graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from modlint.analysis import Inputs, NetworkAnalysis
from modlint.network import Network


@dataclass(frozen=True, slots=True)
class Component:
    """Neurons that weights connect, directly or through others.

    Attributes:
        neurons: number of neurons.
        inputs: how many of them are inputs.
        outputs: how many of them are outputs.
    """

    neurons: int
    inputs: int
    outputs: int

    @property
    def whole(self) -> bool:
        """Whether it is a network of its own: it has an input and an output."""
        return self.inputs > 0 and self.outputs > 0


@dataclass(frozen=True, slots=True)
class Components(NetworkAnalysis[tuple[Component, ...]]):
    """Components of the weight graph without isolated neurons, by descending size."""

    name: ClassVar[str] = "components"
    description: ClassVar[str] = "connected components of a network's neurons"

    def compute(self, network: Network, inputs: Inputs) -> tuple[Component, ...]:
        """Find them.

        Raises:
            Unavailable: the weight graph has none.
        """
        from modlint.analysis.numerics.components import components

        return components(network, inputs)
