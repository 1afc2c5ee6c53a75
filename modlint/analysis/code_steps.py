"""Whether low bits of quantised codes are spread as those that were written over."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Accumulator, Analysis, FileAnalysis, Inputs, TensorAnalysis
from modlint.analysis.quantisation import QuantisedWeights
from modlint.checkpoint import Checkpoint, Tensor
from modlint.results.code_steps import CodeSteps

CODE_BITS = (4, 8)
"""Bits of codes that are looked at."""
TABLES = frozenset({"bitsandbytes"})
"""Formulas whose codes of four bits are entries of a table, no numbers in even steps."""


class TensorBytes(TensorAnalysis["tuple[int, ...]"], frozen=True):
    """How often each byte is in a tensor of integers: (256,)."""

    name: ClassVar[str] = "tensor-bytes"
    description: ClassVar[str] = "how often each byte is in a tensor of codes"
    in_parts: ClassVar[bool] = True

    def accepts(self, tensor: Tensor) -> bool:
        """Integers of one to four bytes with at least two axes."""
        whole = tensor.dtype.kind in ("int", "uint") and tensor.dtype.is_numeric
        return whole and 8 <= tensor.dtype.bits <= 32 and len(tensor.shape) >= 2

    def begin(self, tensor: Tensor) -> Accumulator[tuple[int, ...]]:  # noqa: ARG002
        """Measure one tensor."""
        from modlint.numerics.quantisation.steps import BytesSoFar

        return BytesSoFar()


class QuantisedSteps(FileAnalysis["tuple[CodeSteps, ...]"], frozen=True):
    """The steps of each quantised weight's codes, and of all that have as many bits together."""

    name: ClassVar[str] = "quantised-steps"
    description: ClassVar[str] = "how the numbers of neighbouring codes differ"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are codes, of how many bits, and their bytes."""
        return (QuantisedWeights(), TensorBytes())

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[CodeSteps, ...]:
        """Count the codes.

        Raises:
            Unavailable: they cannot be read.
        """
        from modlint.numerics.quantisation.steps import steps_of

        weights = inputs.result(QuantisedWeights(), checkpoint).weights.values()
        even = [
            weight
            for weight in weights
            if weight.layout is not None
            and weight.layout.bits in CODE_BITS
            and weight.layout.decoding != "e2m1"
            and (weight.layout.formula not in TABLES or weight.layout.bits == max(CODE_BITS))
            and TensorBytes().accepts(weight.parts["codes"])
        ]
        counted = [(w, inputs.result(TensorBytes(), w.parts["codes"])) for w in even]
        return steps_of(counted)
