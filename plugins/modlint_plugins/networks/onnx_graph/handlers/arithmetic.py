"""Sums and products: of activations with one another, and with constants.

A constant with an element for each channel is a bias, or scales a normalisation, or is a map of
its own ("affine"); any other constant leaves the channels as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modlint.network import JoinKind, NormKind
from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.nodes import NormTensors, PointNode
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.naming import layer_name
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static

_PRODUCTS = frozenset({"Mul", "Div"})


def _pair(op: Op) -> Result:
    """Add, Sub, Mul, Div."""
    a, b = op.value(0), op.value(1)
    if isinstance(a, Traced) and isinstance(b, Traced):
        return _joined(op, a, b)
    if isinstance(a, Traced) and isinstance(b, Static):
        return with_constant(op, op.node.kind, a, b, op.node.inputs[0])
    if isinstance(b, Traced) and isinstance(a, Static):
        kind = {"Sub": "", "Div": ""}.get(op.node.kind, op.node.kind)
        return with_constant(op, kind, b, a, op.node.inputs[1])
    raise Refused("combines constants")


def _joined(op: Op, a: Traced, b: Traced) -> Traced:
    kind: JoinKind = "product" if op.node.kind in _PRODUCTS else "sum"
    _note(op, a, b)
    _keep(op, a, b)
    return op.tracer.join(kind, a, b)


def _keep(op: Op, *pair: Traced) -> None:
    """What an integer layer has just made, times a scale that carries no channel, is still that."""
    scope = op.walk.scope
    for name, other in zip(op.node.inputs, reversed(pair), strict=False):
        fresh = scope.fresh.get(name)
        if fresh is not None and other.is_unlabelled and fresh.node.kind.endswith("Integer"):
            scope.fresh[op.node.output] = fresh


def _note(op: Op, a: Traced, b: Traced) -> None:
    """What is divided by a statistic of itself is normalised; a scale may follow."""
    normed, (first, second) = op.walk.scope.normed, op.node.inputs[:2]
    if a.is_unlabelled or not (b.is_unlabelled and b.origin and b.origin.parts is not None):
        return
    if op.node.kind == "Sub":
        normed[op.node.output] = "centred"
    elif op.node.kind == "Div" or normed.get(second) in ("reciprocal", "sqrt"):
        normed[op.node.output] = "layer" if normed.get(first) == "centred" else "rms"


def with_constant(op: Op, kind: str, x: Traced, constant: Static, read: str) -> Traced:
    """Activations with a constant added ("Add"), subtracted or multiplied, channel by channel.

    `read` is the name of the activations' value; another `kind` only tells the shape.
    """
    y = op.widened(x, broadcast([x.shape, constant.shape]))
    name = constant.name
    if y.is_unlabelled or y.is_lost or constant.is_integer:
        return y
    added = kind in ("Add", "Sub", "") and constant.scalar != 0
    if name is None:
        return _unnamed(op, y, constant, added)
    if kind == "Add" and _biased(op, x, constant, name, read):
        op.is_taken_in = True
        return y
    axis = along(y, constant)
    if axis is None or constant.elements == 1:
        return _unnamed(op, y, constant, added)
    if kind == "Add" and _shifted(op, x, constant, name, read):
        op.is_taken_in = True
        return y
    tensors = _tensors(op, kind, name, read)
    if tensors is None:
        return _unnamed(op, y, constant, added=False)
    return op.tracer.norm(tensors, y, axis)


def _unnamed(op: Op, y: Traced, constant: Static, added: bool) -> Traced:
    """Channels with a constant that is no tensor with an element for each of them."""
    missing = y.rank - constant.rank
    op.tracer.keep_apart(y, [missing + i for i, n in enumerate(constant.shape) if n != 1])
    return op.tracer.offset(y) if added else y


def along(y: Traced, constant: Static) -> int | None:
    """The axis along which a constant has an element for each channel."""
    missing = y.rank - constant.rank
    axes = [missing + i for i, n in enumerate(constant.shape) if n != 1]
    return axes[0] if len(axes) == 1 and y.labels.shape[axes[0]] > 1 else None


def _tensors(op: Op, kind: str, name: str, read: str) -> NormTensors | None:
    if kind == "Mul":
        own: dict[str, NormKind] = {"layer": "layer", "rms": "rms", "group": "group"}
        kept, _, groups = op.walk.scope.normed.get(read, "").partition(" ")
        return NormTensors(kind=own.get(kept, "affine"), scale=name, groups=int(groups or 1))
    if kind == "Add":
        return NormTensors(kind="affine", shift=name)
    return NormTensors(kind="affine", mean=name) if kind == "Sub" else None


def _biased(op: Op, x: Traced, constant: Static, name: str, read: str) -> bool:
    """Whether the constant is the bias of the call that has just made the activations."""
    scope = op.walk.scope
    fresh = scope.fresh.get(read)
    if fresh is None or scope.readers[read] != 1 or fresh.call.weight.bias is not None:
        return False
    weight = fresh.call.weight
    along = [x.rank - constant.rank + i for i, n in enumerate(constant.shape) if n != 1]
    own = [i for i, n in enumerate(x.labels.shape) if n > 1]
    if constant.elements != weight.rows or weight.row_of is not None or along != own:
        return False
    fresh.call.weight = replace(weight, bias=name)
    fresh.call.name = layer_name(weight.tensor, name, fresh.node.name, fresh.node.kind)
    return True


def _shifted(op: Op, x: Traced, constant: Static, name: str, read: str) -> bool:
    """Whether the constant is the shift of the norm that has just scaled the activations."""
    node = op.tracer.node_of(x)
    if not isinstance(node, PointNode) or node.norm is None or op.walk.scope.readers[read] != 1:
        return False
    norm = node.norm
    if norm.scale is None or norm.shift is not None or norm.kind == "batch":
        return False
    scale = op.walk.model.tensors.get(norm.scale)
    if scale is None or scale.elements != constant.elements:
        return False
    node.norm = replace(norm, shift=name)
    return True


def _several(op: Op) -> Result:
    """Sum and Mean of any number."""
    return _total(op, [op.value(index) for index in range(op.count)])


def _total(op: Op, values: Sequence[Traced | Static]) -> Traced:
    traced = [value for value in values if isinstance(value, Traced)]
    y = traced[0] if len(traced) == 1 else op.tracer.join("sum", *traced)
    return op.widened(y, broadcast(value.shape for value in values))


def _extreme(op: Op) -> Result:
    """Max and Min: max(x, 0) is a ReLU."""
    values = [op.value(index) for index in range(op.count)]
    numbers = [value.scalar for value in values if isinstance(value, Static)]
    y = _total(op, values)
    if not numbers:
        return y
    is_relu = op.node.kind == "Max" and numbers == [0]
    return op.tracer.activation("relu" if is_relu else "clip", y)


def _power(op: Op) -> Result:
    """A power with a constant exponent; its root or reciprocal may normalise."""
    base, exponent = op.value(0), op.value(1)
    if not isinstance(base, Traced) or isinstance(exponent, Traced):
        return _total(op, [base, exponent])
    if exponent.scalar is not None and exponent.scalar < 0:
        op.walk.scope.normed[op.node.output] = "reciprocal"
    return op.tracer.activation("pow", op.widened(base, broadcast([base.shape, exponent.shape])))


def _where(op: Op) -> Result:
    """One or the other of two, element by element; the condition routes and carries nothing."""
    values = [op.value(index) for index in range(3)]
    shape = broadcast(value.shape for value in values)
    traced = [value for value in values[1:] if isinstance(value, Traced)]
    if not traced:
        return op.forgotten(shape, op.value(0))
    y = traced[0] if len(traced) == 1 else op.tracer.join("sum", *traced)
    return op.widened(y, shape)


HANDLERS: Handlers = {
    **alike(_pair, "Add", "Sub", "Mul", "Div"),
    **alike(_several, "Sum", "Mean"),
    **alike(_extreme, "Max", "Min"),
    **standard(Pow=_power, Where=_where, Mod=_several),
}
