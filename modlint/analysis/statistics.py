"""Tensor statistics: one fused pass over the elements."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.statistics import Statistics


class TensorStatistics(TensorAnalysis[Statistics], frozen=True):
    """Counts of non-finite and zero elements, range and moments, all-zero rows and columns."""

    name: ClassVar[str] = "tensor-statistics"
    description: ClassVar[str] = "counts, range, moments, all-zero rows and columns of a tensor"

    in_parts: ClassVar[bool] = True

    def accepts(self, tensor: Tensor) -> bool:
        """Every tensor whose elements are numbers of a byte or more."""
        return tensor.dtype.is_numeric

    def begin(self, tensor: Tensor) -> Accumulator[Statistics]:
        """Measure one tensor."""
        from modlint.numerics.tensor.statistics import StatisticsSoFar

        return StatisticsSoFar(tensor.shape)
