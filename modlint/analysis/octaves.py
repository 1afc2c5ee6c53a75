"""Whether the density of a tensor's elements jumps as that of bits which were written over."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.octaves import OctaveJumps


class TensorOctaves(TensorAnalysis[OctaveJumps], frozen=True):
    """The density's jumps at powers of two, and at fractions of octaves.

    From a histogram of the leading 16 bits of each element's float32.
    """

    name: ClassVar[str] = "tensor-octaves"
    description: ClassVar[str] = "how the density of elements jumps at powers of two"
    in_parts: ClassVar[bool] = True

    def accepts(self, tensor: Tensor) -> bool:
        """Float tensors whose elements have two or four bytes."""
        return tensor.dtype.kind == "float" and tensor.dtype.bits in (16, 32)

    def begin(self, tensor: Tensor) -> Accumulator[OctaveJumps]:  # noqa: ARG002
        """Measure one tensor."""
        from modlint.numerics.tensor.octaves import OctavesSoFar

        return OctavesSoFar()
