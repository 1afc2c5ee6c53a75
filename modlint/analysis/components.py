"""Connected components of a network's weight graph."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, Inputs, NetworkAnalysis
from modlint.analysis.weights import WeightArrays
from modlint.network import Network
from modlint.results.graphs import Component


class Components(NetworkAnalysis[tuple[Component, ...]], frozen=True):
    """Components of the weight graph without isolated neurons, by descending size.

    Weights below 1e-8 of their layer's mean are none.
    """

    name: ClassVar[str] = "components"
    description: ClassVar[str] = "connected components of a network's neurons"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weight graph."""
        return (WeightArrays(),)

    def compute(self, network: Network, inputs: Inputs) -> tuple[Component, ...]:
        """Find them.

        Raises:
            Unavailable: the weight graph has none.
        """
        from modlint.numerics.graph.components import components

        return components(network, inputs.result(WeightArrays(), network))
