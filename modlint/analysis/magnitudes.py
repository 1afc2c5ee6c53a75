"""How large the elements of a tensor are."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.magnitudes import Magnitudes


class TensorMagnitudes(TensorAnalysis["Magnitudes | None"], frozen=True):
    """Quantiles of absolute values, from a histogram; None where no element is finite.

    It takes longer than all other statistics together.
    """

    name: ClassVar[str] = "tensor-magnitudes"
    description: ClassVar[str] = "median and quantile .999 of absolute values"
    in_parts: ClassVar[bool] = True

    def accepts(self, tensor: Tensor) -> bool:
        """Float tensors whose elements have one to four bytes."""
        return tensor.dtype.kind == "float" and 8 <= tensor.dtype.bits <= 32

    def begin(self, tensor: Tensor) -> Accumulator[Magnitudes | None]:
        """Measure one tensor."""
        from modlint.numerics.tensor.magnitudes import MagnitudesSoFar

        return MagnitudesSoFar(tensor.dtype.name)
