"""The flow of a unit: how much weight runs through it on its way from input to output.

F_0 = 1 and F_{l+1} = |W|ᵀF_l forward, B_L = 1 and B_l = |W|B_{l+1} backward, φ = F·B. This is the
synaptic flow of Tanaka et al., arXiv 2006.05467, section 4, summed over the weights of a unit.
"""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.units import UnitWeights
from modlint.network import Network
from modlint.results.input_flow import InputFlow
from modlint.results.units import BlockFlow, Carriers, Flows, FlowShare, GroupFlow

THRESHOLD = 1e-3
"""A unit whose flow is below this share of its layer's mean carries nothing."""


class Flow(NetworkAnalysis[Flows], frozen=True):
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
        """Measure; reads every weight twice, and holds none.

        Raises:
            Unavailable: a weight is not finite, or its shape contradicts the network.
        """
        from modlint.numerics.graph.flow import measure_flow

        return measure_flow(network, inputs)


class NegligibleUnits(NetworkAnalysis[tuple[GroupFlow, ...]], frozen=True):
    """Hidden units of negligible flow.

    Attributes:
        threshold: flow over the group's mean below which it is negligible.
    """

    threshold: float = THRESHOLD

    name: ClassVar[str] = "negligible-units"
    description: ClassVar[str] = "hidden units through which nearly no weight runs"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The flow, and units without weights."""
        return (Flow(), UnitWeights())

    def compute(self, network: Network, inputs: Inputs) -> tuple[GroupFlow, ...]:
        """Every hidden group that some layer drives, in topological order.

        Raises:
            Unavailable: the flow has none.
        """
        from modlint.numerics.graph.flow import negligible_units

        flows = inputs.result(Flow(), network)
        groups = inputs.result(UnitWeights(), network)
        return negligible_units(flows, groups, self.threshold)


class FlowShares(NetworkAnalysis["tuple[FlowShare, ...]"], frozen=True):
    """How flow spreads over the units of each hidden group; residual streams are left out.

    Every branch adds to a stream, so that few of its channels hold most of the flow.
    """

    name: ClassVar[str] = "flow-shares"
    description: ClassVar[str] = "how flow spreads over the units of a layer"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The flow, and units without weights."""
        return (Flow(), UnitWeights())

    def compute(self, network: Network, inputs: Inputs) -> tuple[FlowShare, ...]:
        """Hidden groups in topological order; queries and keys of a group apart from its values.

        Raises:
            Unavailable: the flow has none.
        """
        from modlint.numerics.graph.flow import flow_shares

        flows = inputs.result(Flow(), network)
        groups = inputs.result(UnitWeights(), network)
        return flow_shares(network, flows, groups)


class SurvivingFlow(NetworkAnalysis["tuple[BlockFlow, ...]"], frozen=True):
    """What of the output's flow survives the removal of each repeated block.

    A block is removed with all of its layers: what they add is gone, what goes around them stays.
    """

    name: ClassVar[str] = "surviving-flow"
    description: ClassVar[str] = "flow to the output that goes around each block"

    def compute(self, network: Network, inputs: Inputs) -> tuple[BlockFlow, ...]:
        """Blocks in topological order; none of a network of fewer than two.

        Raises:
            Unavailable: a weight is not finite, or is not what the network says; nothing flows.
        """
        from modlint.numerics.graph.surviving import surviving_flow

        return surviving_flow(network, inputs)


class InputFlows(NetworkAnalysis["tuple[InputFlow, ...]"], frozen=True):
    """Share of the flow that comes of each channel of each input."""

    name: ClassVar[str] = "input-flows"
    description: ClassVar[str] = "flow from each input of a network to its output"

    def compute(self, network: Network, inputs: Inputs) -> tuple[InputFlow, ...]:
        """Inputs in topological order, those among them that come from parts not followed.

        Raises:
            Unavailable: a weight is not finite, or is not what the network says; nothing flows.
        """
        from modlint.numerics.graph.input_flow import input_flows

        return input_flows(network, inputs)


class CarryingUnits(NetworkAnalysis[Carriers], frozen=True):
    """Neurons, inputs and outputs included, whose flow is not negligible.

    Attributes:
        threshold: flow over the group's mean below which it is negligible.
    """

    threshold: float = THRESHOLD

    name: ClassVar[str] = "carrying-units"
    description: ClassVar[str] = "neurons whose flow is not negligible"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The flow."""
        return (Flow(),)

    def compute(self, network: Network, inputs: Inputs) -> Carriers:
        """Find them.

        Raises:
            Unavailable: the flow has none.
        """
        from modlint.numerics.graph.flow_graphs import carrying_units

        flows = inputs.result(Flow(), network)
        return carrying_units(network, flows, self.threshold)
