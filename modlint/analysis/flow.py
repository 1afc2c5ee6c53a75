"""The flow of a unit: how much weight runs through it on its way from input to output.

F_0 = 1 and F_{l+1} = |W|ᵀF_l forward, B_L = 1 and B_l = |W|B_{l+1} backward, φ = F·B. This is the
synaptic flow of Tanaka et al., arXiv 2006.08228, section 4, summed over the weights of a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modlint.analysis import Inputs, NetworkAnalysis
from modlint.network import GroupRole, Network

if TYPE_CHECKING:
    import torch

THRESHOLD = 1e-3
"""A unit whose flow is below this share of its layer's mean carries nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """The flow through a network.

    Attributes:
        units: by group, φ over the group's mean: (size,) float64. Zeros where no path from input
            to output leads through the group; groups that no layer touches are left out.
        forward: by layer, F of the units that it reads: (in,) float64.
        backward: by layer, B of the units that it drives: (out,) float64.

    F and B are exact up to a factor for each layer, by which the largest is 1.
    """

    units: dict[str, torch.Tensor]
    forward: dict[str, torch.Tensor]
    backward: dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Flow(NetworkAnalysis[Flows]):
    """Synaptic flow, on the graph of layers: what `Layer.inputs` names is added up.

    The flow of a neuron that several layers drive (a residual stream) is the sum over them, so a
    path counts as often as it passes there. F is 1 at the network's input; B is 1 where the
    network's output is, and where something that is not followed reads a group: exposed groups and
    those that no layer reads. What feeds back, an input that does not come before its layer, is
    left out: recurrent weights run for one step.
    """

    name: ClassVar[str] = "flow"
    description: ClassVar[str] = "weight that runs through each unit, from input to output"

    def compute(self, network: Network, inputs: Inputs) -> Flows:
        """Measure; holds one layer at a time where the network is large.

        Raises:
            Unavailable: a weight is not finite, or its shape contradicts the network.
        """
        from modlint.analysis.numerics.flow import measure_flow

        return measure_flow(network, inputs)


@dataclass(frozen=True, slots=True)
class GroupFlow:
    """The units of one hidden group that carry nothing.

    Attributes:
        group: the group's name.
        layer: name of the layer that drives the group.
        total: number of units.
        negligible: units whose flow is below the threshold, but for `unconnected` ones.
        unconnected: units whose weights in, or whose weights out, are all exactly zero.
        smallest: the least flow of a connected unit over the group's mean, None without any.
    """

    group: str
    layer: str
    total: int
    negligible: tuple[int, ...]
    unconnected: tuple[int, ...]
    smallest: float | None


@dataclass(frozen=True, slots=True)
class NegligibleUnits(NetworkAnalysis[tuple[GroupFlow, ...]]):
    """Hidden units of negligible flow.

    Attributes:
        threshold: flow over the group's mean below which it is negligible.
    """

    threshold: float = THRESHOLD

    name: ClassVar[str] = "negligible-units"
    description: ClassVar[str] = "hidden units through which nearly no weight runs"

    def compute(self, network: Network, inputs: Inputs) -> tuple[GroupFlow, ...]:  # noqa: ARG002
        """Every hidden group that some layer drives, in topological order.

        Raises:
            Unavailable: the flow has none.
        """
        from modlint.analysis.numerics.flow import negligible_units

        return negligible_units(inputs, self.threshold)


@dataclass(frozen=True, slots=True, eq=False)
class Carriers:
    """Which neurons carry something.

    Attributes:
        units: by group, (size,) bool.
        dropped: by role of the group, how many neurons that weights connect carry nothing.
    """

    units: dict[str, torch.Tensor]
    dropped: dict[GroupRole, int]


@dataclass(frozen=True, slots=True)
class CarryingUnits(NetworkAnalysis[Carriers]):
    """Neurons, inputs and outputs included, whose flow is not negligible.

    Attributes:
        threshold: flow over the group's mean below which it is negligible.
    """

    threshold: float = THRESHOLD

    name: ClassVar[str] = "carrying-units"
    description: ClassVar[str] = "neurons whose flow is not negligible"

    def compute(self, network: Network, inputs: Inputs) -> Carriers:
        """Find them.

        Raises:
            Unavailable: the flow has none.
        """
        from modlint.analysis.numerics.flow_graphs import carrying_units

        return carrying_units(network, inputs, self.threshold)
