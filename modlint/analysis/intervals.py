"""Between which numbers a network's values lie, and which ReLUs never open."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.results.intervals import ReluUnits


class DeadRelus(NetworkAnalysis["tuple[ReluUnits, ...]"], frozen=True):
    """Units of ReLUs whose pre-activation is provably never positive, by interval arithmetic.

    Source: Gowal et al., On the Effectiveness of Interval Bound Propagation, arXiv 1810.12715,
    section 3.

    Attributes:
        input_range: between which numbers the first layers' inputs lie; None where that is not
            known: only what later layers make is bounded then.
    """

    input_range: tuple[float, float] | None = None

    name: ClassVar[str] = "dead-relus"
    description: ClassVar[str] = "units of ReLUs that no input opens"

    def compute(self, network: Network, inputs: Inputs) -> tuple[ReluUnits, ...]:
        """Bound each value in topological order; none where there is no ReLU.

        Raises:
            Unavailable: a weight is not finite, or is not what the network says.
        """
        from modlint.numerics.graph.dead_relus import dead_relus

        return dead_relus(network, inputs, self.input_range)
