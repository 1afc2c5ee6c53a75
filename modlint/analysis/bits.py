"""How the elements of a tensor are distributed, by the bits that store them."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.bits import Bits


class TensorBits(TensorAnalysis[Bits], frozen=True):
    """Tiny and subnormal elements, empty low bits, elements at the ends, few different values."""

    name: ClassVar[str] = "tensor-bits"
    description: ClassVar[str] = "tiny elements, empty low bits, ends of the range, few values"

    def accepts(self, tensor: Tensor) -> bool:
        """Float tensors whose elements have a byte or more."""
        return tensor.dtype.kind == "float" and tensor.dtype.bits >= 8

    def begin(self, tensor: Tensor) -> Accumulator[Bits]:
        """Measure one tensor."""
        from modlint.numerics.tensor.bits import BitsSoFar

        return BitsSoFar(tensor.dtype.name)
