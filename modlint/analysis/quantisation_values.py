"""What contradicts in quantised weights: names, shapes and configuration, and the elements."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.quantisation import QuantisedWeights
from modlint.checkpoint import Checkpoint
from modlint.results.quantisation import Breach


class QuantisationBreaches(FileAnalysis[tuple[Breach, ...]], frozen=True):
    """Every breach: those of names and shapes, then those of scales, zero points and tables."""

    name: ClassVar[str] = "quantisation-breaches"
    description: ClassVar[str] = "what codes, scales and configuration of a file contradict"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weights that they are of."""
        return (QuantisedWeights(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[Breach, ...]:
        """Read scales, zero points and tables; codes only where a scale is zero."""
        quantisation = inputs.result(QuantisedWeights(), checkpoint)
        if not quantisation.weights and not quantisation.scales:
            return quantisation.breaches
        from modlint.numerics.quantisation.checks import breaches_of

        return (*quantisation.breaches, *breaches_of(quantisation))
