"""Whether a model whose inputs leave the batch free takes any batch."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.dataflow import OnnxDataflow
from modlint.checkpoint import Checkpoint
from modlint.results.dataflow import BatchAxes


class OnnxBatchAxes(FileAnalysis[BatchAxes], frozen=True):
    """Where the free first axis of each input goes, and which nodes take one size of it only."""

    name: ClassVar[str] = "onnx-batch-axes"
    description: ClassVar[str] = "where the free first axis of an ONNX model's inputs is fixed"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The dataflow."""
        return (OnnxDataflow(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> BatchAxes:
        """Follow the axes.

        Raises:
            Unavailable: the file holds no ONNX model.
        """
        from modlint.numerics.graph.batch_axes import batch_axes

        return batch_axes(inputs.result(OnnxDataflow(), checkpoint))
