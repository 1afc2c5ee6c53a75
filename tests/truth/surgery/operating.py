"""Exchange, scale and cut neurons of an ONNX model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from truth.surgery.neurons import Neuron, neurons
from truth.surgery.weights import Arrays, Use, beside, constants, depthwise, reached, uses

Within = Callable[[str, int], Hashable]


@dataclass(frozen=True)
class Editable:
    """A model, its claimed neurons, and which of them surgery can reach.

    Left alone are neurons that come to a result of the graph, and those that touch a weight which
    is shared, grouped, recurrent or otherwise used in a way that is not edited here.
    """

    model: onnx.ModelProto
    held: Arrays
    uses: dict[str, list[Use]]
    beside: dict[str, tuple[str, int]]
    neurons: list[Neuron]

    @classmethod
    def of(cls, model: onnx.ModelProto, edges: Iterable[Mapping[str, Any]]) -> Editable:
        """From a model and the edges that `inspect --edges` claims of it."""
        held = constants(model)
        many = uses(model, held)
        alone = {name for name, used in many.items() if len(used) == 1}
        ends = reached(model, many)
        found = [
            neuron
            for neuron in neurons(edges, depthwise(many, held))
            if neuron.tensors <= alone and not ends & set(neuron.channels)
        ]
        return cls(model, held, many, beside(model, many, held), found)


def permute(
    editable: Editable, seed: int = 0, within: Within = lambda tensor, channel: 0
) -> tuple[onnx.ModelProto, int]:
    """Exchange neurons of one pattern at random; the model and the number that moved.

    Args:
        editable: the model and its neurons.
        seed: of the exchange.
        within: a key of (weight, channel); neurons change places only where the keys of all their
            channels agree (groups of a norm, heads, rotary pairs).
    """
    classes: dict[Hashable, list[Neuron]] = defaultdict(list)
    for neuron in editable.neurons:
        keys = tuple(
            sorted((t, repr(within(t, c))) for t, many in neuron.channels.items() for c in many)
        )
        classes[neuron.pattern, keys].append(neuron)
    rng = np.random.default_rng(seed)
    pairs = []
    for many in classes.values():
        pairs += [(many[i], many[j]) for i, j in enumerate(rng.permutation(len(many))) if i != j]
    return _with(editable.model, _exchanged(editable, pairs)), len(pairs)


def _exchanged(editable: Editable, pairs: Iterable[tuple[Neuron, Neuron]]) -> Arrays:
    orders: dict[tuple[str, int], np.ndarray] = {}
    for new, old in pairs:
        for name, axis, a, b in _places(editable, new, old):
            size = editable.held[name].shape[axis]
            orders.setdefault((name, axis), np.arange(size))[a] = b
    arrays = dict(editable.held)
    for (name, axis), order in orders.items():
        arrays[name] = np.take(arrays[name], order, axis)
    return arrays


def _places(
    editable: Editable, new: Neuron, old: Neuron
) -> Iterable[tuple[str, int, list[int], list[int]]]:
    for weight, channels in new.channels.items():
        yield weight, editable.uses[weight][0].rows, channels, old.channels[weight]
        for name, (owner, axis) in editable.beside.items():
            if owner == weight:
                yield name, axis, channels, old.channels[weight]
    narrow = depthwise(editable.uses, editable.held)
    for weight, columns in new.columns.items():
        if weight not in narrow:
            yield weight, editable.uses[weight][0].lines, columns, old.columns[weight]


def scale(editable: Editable, units: Iterable[Neuron], factor: float = 2.0) -> onnx.ModelProto:
    """Scale units up and what reads them down: nothing changes behind a ReLU.

    The units' channels must come straight from a weight with at most a bias.
    """
    arrays = {name: array.copy() for name, array in editable.held.items()}
    for unit in units:
        for name, axis, places, _ in _places(editable, unit, unit):
            reads = name in unit.columns and name not in unit.channels
            _times(arrays, name, axis, places, 1 / factor if reads else factor)
    return _with(editable.model, arrays)


def cut(editable: Editable, units: Iterable[Neuron]) -> onnx.ModelProto:
    """Set to zero what reads dead units, and what drives them: as if they were taken away."""
    arrays = {name: array.copy() for name, array in editable.held.items()}
    for unit in units:
        for name, axis, places, _ in _places(editable, unit, unit):
            _times(arrays, name, axis, places, 0.0)
    return _with(editable.model, arrays)


def _times(arrays: Arrays, name: str, axis: int, places: list[int], factor: float) -> None:
    np.moveaxis(arrays[name], axis, 0)[places] *= factor


def _with(model: onnx.ModelProto, arrays: Arrays) -> onnx.ModelProto:
    """The model with other constants."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for initializer in copy.graph.initializer:
        initializer.CopyFrom(numpy_helper.from_array(arrays[initializer.name], initializer.name))
    for node in copy.graph.node:
        if node.op_type == "Constant" and node.output[0] in arrays:
            node.attribute[0].t.CopyFrom(numpy_helper.from_array(arrays[node.output[0]]))
    return copy
