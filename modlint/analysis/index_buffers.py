"""What a buffer of whole numbers holds that something is looked up by."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, WholeTensorAnalysis
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.index_buffers import IndexBuffer

MAX_ELEMENTS = 1 << 24
"""Of a buffer that is looked at: the largest known, of Swin at window 56, has 9.8 million."""


class IndexValues(WholeTensorAnalysis[IndexBuffer], frozen=True):
    """Whether elements are whole numbers, follow one another, and which range they cover."""

    name: ClassVar[str] = "index-values"
    description: ClassVar[str] = "whole numbers, their order and range, in a buffer of indices"

    def compute(self, tensor: Tensor, inputs: Inputs) -> IndexBuffer:
        """Read the tensor.

        Raises:
            Unavailable: it cannot be read, is empty, or has more than `MAX_ELEMENTS` elements.
        """
        if not 0 < tensor.elements <= MAX_ELEMENTS:
            raise Unavailable(f"it has {tensor.elements:,} elements")
        from modlint.numerics.tensor.index_buffers import index_values

        return index_values(inputs.stored(tensor.name))
