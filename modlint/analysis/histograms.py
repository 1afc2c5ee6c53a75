"""How the elements of a tensor are spread, for pictures."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Accumulator, TensorAnalysis
from modlint.checkpoint import Tensor
from modlint.results.histogram import Histogram


class TensorHistogram(TensorAnalysis["Histogram | None"], frozen=True):
    """A histogram of the finite elements; None where there is none.

    Attributes:
        bins: number of ranges.
    """

    bins: int = 48

    name: ClassVar[str] = "tensor-histogram"
    description: ClassVar[str] = "how the elements of a tensor are spread"
    in_parts: ClassVar[bool] = True

    def accepts(self, tensor: Tensor) -> bool:
        """Float tensors whose elements have one to eight bytes."""
        return tensor.dtype.kind == "float" and 8 <= tensor.dtype.bits <= 64

    def begin(self, tensor: Tensor) -> Accumulator[Histogram | None]:  # noqa: ARG002
        """Measure one tensor."""
        from modlint.numerics.tensor.histograms import HistogramSoFar

        return HistogramSoFar(self.bins)
