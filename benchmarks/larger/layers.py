"""A module as the Keras layers that the authors' code walks: names of classes, and who reads whom.

That code tells layers by the text of their class (`.conv2d`, `.dense`, `.batchnormalization`,
`concat`); any other is passed through.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import fx, nn


class Layer:
    """A layer that is passed through: an activation, a pooling, an addition.

    Attributes:
        name: in the module.
    """

    def __init__(self, name: str, module: Any = None) -> None:
        self.name = name
        self.module = module
        self._outbound_nodes: list[SimpleNamespace] = []
        self._inbound_nodes = [SimpleNamespace(inbound_layers=[])]

    def reads(self, layer: Layer) -> None:
        """Join two layers."""
        layer._outbound_nodes.append(SimpleNamespace(outbound_layer=self))
        self._inbound_nodes[0].inbound_layers.append(layer)


class Conv2D(Layer):
    """A convolution."""

    def get_weights(self) -> list[np.ndarray]:
        """The kernels: (height, width, in, out)."""
        return [self.module.weight.detach().permute(2, 3, 1, 0).contiguous().numpy()]


class Dense(Layer):
    """A fully connected layer."""


class BatchNormalization(Layer):
    """A batch norm in evaluation."""

    def __init__(self, name: str, module: nn.BatchNorm2d) -> None:
        super().__init__(name, module)
        self.gamma = module.weight.detach().numpy()
        self.moving_variance = module.running_var.numpy()
        self.epsilon = module.eps


class Concatenate(Layer):
    """A concatenation of channels."""


KINDS = {nn.Conv2d: Conv2D, nn.Linear: Dense, nn.BatchNorm2d: BatchNormalization}


def layers_of(model: nn.Module) -> list[Layer]:
    """The layers in the order of execution."""
    traced = fx.symbolic_trace(model)
    modules = dict(traced.named_modules())
    found: dict[fx.Node, Layer] = {}
    for node in traced.graph.nodes:
        if node.op == "output":
            break
        layer = _layer(node, modules)
        for source in node.all_input_nodes:
            layer.reads(found[source])
        found[node] = layer
    return list(found.values())


def _layer(node: fx.Node, modules: dict[str, nn.Module]) -> Layer:
    if node.op == "call_module":
        module = modules[str(node.target)]
        return KINDS.get(type(module), Layer)(str(node.target), module)  # type: ignore[arg-type]
    return (Concatenate if node.target is torch.cat else Layer)(node.name)
