"""Layers one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PerceptronWeights(Struct, frozen=True, eq=False):
    """A multilayer perceptron.

    Attributes:
        groups: names of the hidden groups, in order.
        weights: (out, in) float32 of each layer.
        biases: (out,) float32 of each layer, or None.
        activation: of the hidden layers, by ONNX's name in lower case.
    """

    groups: tuple[str, ...]
    weights: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32] | None, ...]
    activation: str
