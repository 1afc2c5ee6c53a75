"""Tensor statistics: one fused pass over the elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modlint.analysis.base import TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.statistics import Statistics

if TYPE_CHECKING:
    import torch


class TensorStatistics(TensorAnalysis[Statistics], frozen=True):
    """Counts of non-finite and zero elements, range and moments, all-zero rows and columns."""

    name: ClassVar[str] = "tensor-statistics"
    description: ClassVar[str] = "counts, range, moments, all-zero rows and columns of a tensor"

    def accepts(self, tensor: Tensor) -> bool:
        """Every tensor whose elements are numbers that torch can compute with."""
        return tensor.dtype.kind not in ("opaque", "quantised") and tensor.dtype.bits >= 8

    def measure(self, values: torch.Tensor, tensor: Tensor) -> Statistics:  # noqa: ARG002
        """Measure one tensor, in chunks that stay in cache."""
        from modlint.numerics.tensor.statistics import measure

        return measure(values)
