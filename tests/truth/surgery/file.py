"""An ONNX file, the networks that modlint rebuilds of it, and its tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from modlint.analysis.units import UnitWeights
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.network import Network
from modlint.results.units import LayerUnits

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class File:
    """A model with what modlint says of it.

    Attributes:
        networks: those that were rebuilt.
        held: its constants by name: initializers and constant nodes.
    """

    model: onnx.ModelProto
    networks: tuple[Network, ...]
    held: Arrays

    def with_arrays(self, arrays: Arrays) -> File:
        """The same file with other values of some tensors."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self.model)
        for initializer in copy.graph.initializer:
            if initializer.name in arrays:
                values = arrays[initializer.name]
                initializer.CopyFrom(numpy_helper.from_array(values, initializer.name))
        for node in copy.graph.node:
            if node.op_type == "Constant" and node.output[0] in arrays:
                node.attribute[0].t.CopyFrom(numpy_helper.from_array(arrays[node.output[0]]))
        return replace(self, model=copy, held={**self.held, **arrays})

    def units_of(self, network: Network) -> tuple[LayerUnits, ...]:
        """What modlint finds of the hidden units of a network."""
        return UnitWeights().compute(network, _Inputs(self.held))  # type: ignore[arg-type]

    @cached_property
    def recurrent_biases(self) -> dict[str, tuple[str, int]]:
        """By weight of a recurrent node, its bias tensor, and elements before its own."""
        found = {}
        for node in self.model.graph.node:
            if node.op_type in ("LSTM", "GRU", "RNN") and len(node.input) > 3 and node.input[3]:
                for place in (1, 2):
                    found[node.input[place]] = node.input[3], place - 1
        return found


@dataclass(frozen=True)
class _Inputs:
    held: Arrays
    device: str = "cpu"

    def weight(self, name: str) -> Any:
        """A tensor's values."""
        return self.held[name]

    stored = weight


def opened(path: Path) -> File:
    """A file and its networks.

    Raises:
        ValueError: modlint rebuilds none.
    """
    registry = load_registry()
    errors: list[str] = []
    built = build_networks(load_whole(path, registry.readers), registry.builders, errors)
    networks = tuple(network for network in built.networks if network.reason is None)
    if errors or not networks:
        raise ValueError("; ".join(errors) or "no network")
    model = onnx.load(path)
    return File(model, networks, _constants(model))


def _constants(model: onnx.ModelProto) -> Arrays:
    found = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found
