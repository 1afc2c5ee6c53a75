"""How far apart the scales of units are, which a ReLU network's function leaves free.

Weights into a unit times c and those out of it divided by c compute the same, but are other edges
in the graph of absolute weights (Filan et al., arXiv 2103.03386, section 2).
"""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.flow import THRESHOLD, Flow
from modlint.analysis.weights import WeightArrays
from modlint.network import Network
from modlint.results.units import GroupScale


class UnitScales(NetworkAnalysis[tuple[GroupScale, ...]], frozen=True):
    """Spread of ln(strength in / strength out) over the units of each hidden group.

    Left out are isolated units and those of negligible flow, whose strengths are noise; groups with
    fewer than two units left, or fewer than four weights into, or out of, a unit; and groups whose
    scale is not free: those that not only the network's layers read, those with an activation that
    is known and not homogeneous (tanh, ReLU6), and those with a norm of the data (LayerNorm) behind
    their activation.
    """

    name: ClassVar[str] = "unit-scales"
    description: ClassVar[str] = "spread of the scales of hidden units"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weight graph, and what carries something."""
        return (WeightArrays(), Flow())

    def compute(self, network: Network, inputs: Inputs) -> tuple[GroupScale, ...]:
        """Measure every such group, in topological order.

        Raises:
            Unavailable: the weight graph has none.
        """
        from modlint.numerics.graph.flow import carrying
        from modlint.numerics.graph.scales import unit_scales

        carriers = carrying(network, inputs.result(Flow(), network), THRESHOLD)
        return unit_scales(network, inputs.result(WeightArrays(), network), carriers)
