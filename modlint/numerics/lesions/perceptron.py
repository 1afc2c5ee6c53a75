"""A multilayer perceptron that runs with units silenced: what precedes them is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.graph.channels import Ints

Singles = NDArray[np.float32]


def _gelu(x: Singles) -> Singles:
    from scipy.special import ndtr

    found: Singles = x * ndtr(x)
    return found


def _sigmoid(x: Singles) -> Singles:
    from scipy.special import expit

    found: Singles = expit(x)
    return found


ACTIVATIONS: Mapping[str, Callable[[Singles], Singles]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leakyrelu": lambda x: np.where(x > 0, x, np.float32(0.01) * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "identity": lambda x: x,
}
"""By ONNX's name in lower case; parameters are PyTorch's defaults."""


class Perceptron:
    """Layers one after the other, on samples that stay the same.

    Attributes:
        names: of the hidden layers, in order.
        activations: by name, what these give for the intact network: (samples, units).
    """

    def __init__(
        self,
        names: Sequence[str],
        weights: Sequence[Singles],
        biases: Sequence[Singles | None],
        activation: str,
        inputs: Singles,
    ) -> None:
        """Run the intact network.

        Args:
            names: of the hidden layers.
            weights: (out, in) of each layer, the output's last.
            biases: (out,) of each layer, or None.
            activation: of the hidden layers; one of `ACTIVATIONS`.
            inputs: (samples, in of the first layer).

        Raises:
            ValueError: numbers of layers, or shapes, do not agree.
        """
        if not len(names) + 1 == len(weights) == len(biases):
            raise ValueError(
                f"{len(names)} hidden layers have {len(names) + 1} weights and biases; there are "
                f"{len(weights)} and {len(biases)}"
            )
        if inputs.ndim != 2 or inputs.shape[1] != weights[0].shape[1]:
            raise ValueError(f"inputs {inputs.shape} do not fit a weight {weights[0].shape}")
        self.names = tuple(names)
        self._weights = [np.asarray(weight, np.float32) for weight in weights]
        self._biases = [0 if bias is None else np.asarray(bias, np.float32) for bias in biases]
        self._bend = ACTIVATIONS[activation]
        self.activations: dict[str, Singles] = {}
        driven = self._driven(0, np.asarray(inputs, np.float32))
        self._before = []
        for number, name in enumerate(names, 1):
            self.activations[name] = self._bend(driven)
            driven = self._driven(number, self.activations[name])
            self._before.append(driven)

    def logits(self, layer: str, silenced: Ints) -> Singles:
        """What comes of a hidden layer of which units give nothing: (samples, classes)."""
        number = self.names.index(layer)
        given = self.activations[layer]
        columns = self._weights[number + 1][:, silenced]
        driven: Singles = self._before[number] - given[:, silenced] @ columns.T
        for later in range(number + 2, len(self._weights)):
            driven = self._driven(later, self._bend(driven))
        return driven

    def predict(self, layer: str, silenced: Ints) -> Ints:
        """The class of each sample: (samples,)."""
        found: Ints = self.logits(layer, silenced).argmax(1)
        return found

    def _driven(self, number: int, given: Singles) -> Singles:
        driven: Singles = given @ self._weights[number].T + self._biases[number]
        return driven
