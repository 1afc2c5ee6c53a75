"""Weights that the file holds twice, byte for byte or transposed."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.layer_weights import LayerWeights
from modlint.checkpoint import Checkpoint
from modlint.results.copies import Copies


class StoredCopies(FileAnalysis[Copies], frozen=True):
    """Groups of layer weights that hold the same elements in different bytes of the file.

    Only tensors of equal types and sizes are read: a few elements of each, and all of those which
    agree in these.
    """

    name: ClassVar[str] = "stored-copies"
    description: ClassVar[str] = "weights that the file holds twice, transposed ones too"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are layer weights, codes among them."""
        return (LayerWeights(codes=True),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Copies:
        """Compare what may be equal."""
        from modlint.numerics.tensor.copies import copies_among

        names = inputs.result(LayerWeights(codes=True), checkpoint)
        named = [t for t in checkpoint.tensors.values() if t.name in names]
        tensors = [t for t in named if t.nbytes <= t.storage.nbytes]  # no views that repeat
        return copies_among(tensors, inputs)
