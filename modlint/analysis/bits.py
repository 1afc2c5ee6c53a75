"""How the elements of a tensor are distributed, by the bits that store them."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.analysis.layer_weights import MIN_ELEMENTS
from modlint.checkpoint import Tensor
from modlint.results.bits import Bits


class TensorBits(TensorAnalysis[Bits], frozen=True):
    """Tiny and subnormal elements, empty low bits, elements at the ends, few different values."""

    name: ClassVar[str] = "tensor-bits"
    description: ClassVar[str] = "tiny elements, empty low bits, ends of the range, few values"

    in_parts: ClassVar[bool] = True

    def accepts(self, tensor: Tensor) -> bool:
        """What may be the weight of a layer: float tensors of two axes and `MIN_ELEMENTS`."""
        floats = tensor.dtype.kind == "float" and tensor.dtype.is_numeric
        return floats and len(tensor.shape) >= 2 and tensor.elements >= MIN_ELEMENTS

    def begin(self, tensor: Tensor) -> Accumulator[Bits]:
        """Measure one tensor."""
        from modlint.numerics.tensor.bits import BitsSoFar

        return BitsSoFar(tensor.dtype.name)
