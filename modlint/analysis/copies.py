"""Tensors that the file holds twice, byte for byte or transposed."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.layer_weights import LayerWeights
from modlint.checkpoint import Checkpoint
from modlint.results.copies import Copies

_LAYERS = LayerWeights(codes=True)


class StoredCopies(FileAnalysis[Copies], frozen=True):
    """Tensors of two axes or more that hold the same elements in different bytes of the file.

    Only tensors of equal types and sizes are read: a few elements of each, and all of those which
    agree in these.

    Attributes:
        layers: compare weights of layers alone, codes among them.
        min_bytes: smaller tensors are left out.
        min_values: tensors of fewer different values are left out, such as masks and zeros.
    """

    layers: bool = False
    min_bytes: int = 0
    min_values: int = 2

    name: ClassVar[str] = "stored-copies"
    description: ClassVar[str] = "tensors that the file holds twice, transposed ones too"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are layer weights, where these alone are compared."""
        return (_LAYERS,) if self.layers else ()

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Copies:
        """Compare what may be equal."""
        from modlint.numerics.tensor.copies import copies_among

        tensors = [t for t in checkpoint.tensors.values() if t.nbytes >= self.min_bytes]
        if self.layers:
            names = inputs.result(_LAYERS, checkpoint)
            tensors = [t for t in tensors if t.name in names]
        return copies_among(tensors, self.min_values, inputs)
