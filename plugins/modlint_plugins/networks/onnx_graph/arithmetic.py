"""Addition and multiplication of activations with a constant.

On a graph's input such a constant is preprocessing: the input's neurons are counted behind it,
as a state_dict knows them. Behind a layer it is a per-neuron map and folds as a norm does.
"""

from __future__ import annotations

from collections.abc import Mapping

from modlint.network import Norm
from modlint_plugins.networks.onnx_graph import constants
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.reasons import branches
from modlint_plugins.networks.onnx_graph.values import Constant, Input, Signal, Stop, Value
from modlint_plugins.networks.onnx_graph.walk import Handler, Walk


def affine(walk: Walk, node: Node) -> Input | Signal:
    """Add, Sub, Mul or Div of activations and a constant."""
    data, others = walk.sole_data(node)
    if isinstance(data, Input):
        walk.remarks.append(
            f"constants scale or shift the input {data.name!r} before its first layer; "
            "its neurons are counted behind them"
        )
        return data
    other = others[0] if others else None
    if _is_neutral(node, other):
        return data
    constant = _constant(node, other)
    if node.op == "Div" or (node.op == "Sub" and walk.operand(node, 0) is not data):
        raise Stop(node, f"({node.op}) combines with a constant in a way that does not fold")
    per_neuron = _check(walk, node, data, constant)
    if node.op == "Add" and per_neuron and walk.add_bias(node, data, str(constant.name)):
        return data
    return walk.add_norm(node, data, _norm(walk, node, data, constant))


def _is_neutral(node: Node, other: Value | None) -> bool:
    value = constants.scalar(other)
    return value == (0 if node.op in ("Add", "Sub") else 1)


def _constant(node: Node, other: Value | None) -> Constant:
    if isinstance(other, Constant) and other.name is not None:
        return other
    raise Stop(node, f"({node.op}) combines with a constant that the file holds no tensor for")


def _check(walk: Walk, node: Node, data: Signal, constant: Constant) -> bool:
    """Whether the constant has one entry per neuron; else it has one in all.

    Raises:
        Stop: its entries do not lie along the neurons.
    """
    if constant.tensor.elements == 1 and len(constant.shape) <= data.rank:
        return walk.groups[data.group] == 1 and data.axis is not None
    axes = [data.rank - len(constant.shape) + i for i, n in enumerate(constant.shape) if n != 1]
    size, neurons = constant.tensor.elements, walk.groups[data.group]
    fits = size == neurons or (data.columns != "unit" and neurons and not size % neurons)
    if axes != [data.axis] or not fits:
        raise Stop(node, f"({node.op}) combines with a constant that is not one per neuron")
    return size == neurons


def _norm(walk: Walk, node: Node, data: Signal, constant: Constant) -> Norm:
    elements = constant.tensor.elements
    size = walk.groups[data.group] if elements == 1 else elements
    if node.op == "Mul":
        return Norm("affine", size, scale=constant.name)
    if node.op == "Add":
        return Norm("affine", size, shift=constant.name)
    return Norm("affine", size, mean=constant.name)


def total(walk: Walk, node: Node) -> Input | Signal:
    """Sum, Mean or Concat of a single input passes it on."""
    data, others = walk.sole_data(node)
    if others:
        raise Stop(node, branches(node.op))
    return data


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), affine),
    **dict.fromkeys(("Sum", "Mean", "Concat"), total),
}
