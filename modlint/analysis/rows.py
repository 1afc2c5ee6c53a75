"""How alike the rows of a tensor are, and the elements of a row."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.rows import Rows

MAX_VARIATION = 1e-3
"""Coefficient of variation of the magnitudes in a row that has one."""


class TensorRows(TensorAnalysis[Rows], frozen=True):
    """Rows of one magnitude, rows that are all the same; tensors that have neither cost nothing.

    Attributes:
        max_variation: standard deviation of a row's magnitudes, relative to their mean, up to
            which they are one.
    """

    max_variation: float = MAX_VARIATION

    in_parts: ClassVar[bool] = True
    name: ClassVar[str] = "tensor-rows"
    description: ClassVar[str] = "rows of one magnitude, rows that are all the same"

    def accepts(self, tensor: Tensor) -> bool:
        """Float tensors of two axes or more whose elements have a byte or more."""
        return tensor.dtype.kind == "float" and tensor.dtype.bits >= 8 and len(tensor.shape) >= 2

    def begin(self, tensor: Tensor) -> Accumulator[Rows]:
        """Measure one tensor."""
        from modlint.numerics.tensor.rows import RowsSoFar

        return RowsSoFar(tensor.shape, self.max_variation)
