"""Rules that judge each weight of a layer, and no other tensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from modlint.analysis.base import Analysis
from modlint.analysis.layer_weights import MIN_ELEMENTS, LayerWeights
from modlint.checkpoint import Tensor
from modlint.rule import Examination, OptionsT
from modlint.scopes import TensorRule


class LayerWeightRule(TensorRule[OptionsT]):
    """A check of each layer weight, one at a time.

    Attributes:
        weights: the decision which tensors are layer weights, with the fewest elements of one.
    """

    weights: ClassVar[LayerWeights] = LayerWeights(MIN_ELEMENTS)
    kind = "layer weight"

    def needs(self) -> tuple[Analysis[object, object], ...]:
        """The analyses of each tensor, and which tensors are layer weights."""
        return (self.weights, *super().needs())

    def subjects(self, file: Examination) -> Iterator[Tensor]:
        """Layer weights that all of its analyses examine."""
        names = file.result(self.weights, file.checkpoint)
        return (tensor for tensor in super().subjects(file) if tensor.name in names)
