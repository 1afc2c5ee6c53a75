"""Lesions of a network that something else runs, by the weights that read its units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from modlint.errors import Unavailable, UsageError
from modlint.network import Network
from modlint.numerics.graph.channels import Ints
from modlint.numerics.lesions.columns import (
    Reading,
    Weights,
    by_unit,
    readings_of,
    silenced,
    why_fixed,
)


class Model(Protocol):
    """What runs a network on samples that stay the same."""

    @property
    def weights(self) -> Weights:
        """The weights that can be changed for a run, by their names in the network."""
        ...

    def logits(self, changed: Weights) -> Any:
        """What comes of the samples with some weights changed: (samples, classes)."""
        ...

    def reads(self, layers: Sequence[Reading]) -> Mapping[str, Any]:
        """By layer, what it reads, (samples, columns), of images the mean over positions.

        Layers of which that is not known are left out.
        """
        ...


class Silencing:
    """Runs a model with units of a layer silenced.

    Attributes:
        layers: those whose units can be.
        left_out: by the name of any other, why not.
        classes: that the model tells apart.
    """

    def __init__(self, network: Network, model: Model, layers: Sequence[str]) -> None:
        """Look for the weights that read each layer, and run the intact model once.

        Args:
            network: its structure.
            model: what runs it.
            layers: names of hidden groups.

        Raises:
            Unavailable: units of none can be silenced.
            UsageError: what the model gives is no score for each class.
        """
        self._network, self._model = network, model
        self._readings: dict[str, tuple[Reading, ...]] = {}
        self.left_out: dict[str, str] = {}
        for layer in layers:
            found = readings_of(network, layer)
            why = found if isinstance(found, str) else why_fixed(network, found, model.weights)
            if isinstance(found, str) or why is not None:
                self.left_out[layer] = str(why)
            else:
                self._readings[layer] = found
        if not self._readings:
            first = next(iter(self.left_out.items()), ("", "it has no hidden layers"))
            raise Unavailable(
                f"no layer's units can be silenced ({': '.join(filter(None, first))})"
            )
        self.layers = tuple(self._readings)
        self.classes = _classes(model.logits({}))

    def predict(self, layer: str, units: Ints) -> Ints:
        """The class of each sample where units of a layer give nothing: (samples,)."""
        changed = silenced(self._readings[layer], units, self._model.weights) if len(units) else {}
        found: Ints = self._model.logits(changed).argmax(1)
        return found

    def activations(self) -> dict[str, Any]:
        """By layer, what its units give: (samples, units)."""
        reads = self._model.reads([readings[0] for readings in self._readings.values()])
        return {
            layer: by_unit(first, reads[first.call.name], self._network.group(layer).size)
            for layer, (first, *_) in self._readings.items()
            if first.call.name in reads
        }


def _classes(logits: Any) -> int:
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise UsageError(
            f"the model's output has the shape {tuple(logits.shape)}: lesions need a score for each"
            " of several classes, (samples, classes)"
        )
    return int(logits.shape[1])
