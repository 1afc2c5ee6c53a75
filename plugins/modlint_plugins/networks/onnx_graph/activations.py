"""Functions of one neuron, or of all neurons at once (softmax): they name a layer's activation."""

from __future__ import annotations

from collections.abc import Mapping

from modlint_plugins.networks.onnx_graph import constants
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.values import Input, Signal
from modlint_plugins.networks.onnx_graph.walk import Handler, Walk

FUNCTIONS = frozenset(
    {"Relu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Mish"}
    | {"Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign", "HardSwish", "Swish", "Shrink"}
    | {"Softmax", "LogSoftmax", "Hardmax", "Exp", "Log", "Abs", "Neg", "Sqrt", "Reciprocal", "Erf"}
    | {"Sign", "Floor", "Ceil", "Round", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh"}
    | {"BitShift", "Not", "IsNaN"}
)


def function(walk: Walk, node: Node) -> Input | Signal:
    """An activation by its own name."""
    data = walk.data(node)
    return data if isinstance(data, Input) else walk.add_activation(data, node.op.lower())


def clip(walk: Walk, node: Node) -> Input | Signal:
    """Clip: "relu6" for 0 … 6, "clip-at-zero" where only the lower bound is 0."""
    data = walk.data(node)
    low, high = _bound(walk, node, "min", 1), _bound(walk, node, "max", 2)
    name = "clip"
    if low == 0:
        name = "relu6" if high == 6 else "clip-at-zero"
    return data if isinstance(data, Input) else walk.add_activation(data, name)


def _bound(walk: Walk, node: Node, name: str, index: int) -> float | None:
    if node.attribute(name) is not None:
        return node.real(name, 0.0)
    return constants.scalar(walk.operand(node, index))


def maximum(walk: Walk, node: Node) -> Input | Signal:
    """Max or Min with a constant; max(x, 0) is a ReLU."""
    data, others = walk.sole_data(node)
    if isinstance(data, Input) or not others:
        return data
    zero = len(others) == 1 and constants.scalar(others[0]) == 0
    return walk.add_activation(data, "relu" if node.op == "Max" and zero else "clip")


def power(walk: Walk, node: Node) -> Input | Signal:
    """A power with a constant exponent."""
    data, _ = walk.sole_data(node)
    return data if isinstance(data, Input) else walk.add_activation(data, "pow")


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(sorted(FUNCTIONS), function),
    "Clip": clip,
    "Max": maximum,
    "Min": maximum,
    "Pow": power,
}
