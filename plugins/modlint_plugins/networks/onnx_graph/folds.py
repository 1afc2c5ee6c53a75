"""What operators make of constants: small numbers are computed, large tensors only described."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.onnx_graph.constants import (
    arange,
    constant,
    filled,
    non_zero,
    random,
    shape_of,
    size_of,
)
from modlint_plugins.networks.onnx_graph.numbers import (
    ELEMENTWISE,
    POINTWISE,
    REDUCTIONS,
    TYPES,
)
from modlint_plugins.networks.onnx_graph.op import Handler, Op, Result
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import MOST_NUMBERS, Static

_SAME = frozenset(
    {"Identity", "Dropout", "QuantizeLinear", "DynamicQuantizeLinear"}
    | {"Optional", "OptionalGetElement"}
)

_MOST_JOINED = 1 << 25
"""Elements of a tensor's parts side by side that are followed one by one."""


def fold(op: Op, handler: Handler | None) -> Result:
    """What an operator that reads constants alone makes of them."""
    node = op.node
    kind = node.kind
    if node.domain == "" and kind in _FOLDS:
        return _FOLDS[kind](op)
    if kind in _SAME:
        return op.at(0)
    if node.domain == "" and (kind in ELEMENTWISE or kind in POINTWISE):
        with np.errstate(all="ignore"):
            return _elementwise(op)
    if node.domain == "" and kind.startswith("Reduce"):
        return _reduced(op)
    return _described(op, handler)


def _described(op: Op, handler: Handler | None) -> Result:
    """What a handler makes of constants; of one that takes activations only the shape."""
    name = f"{op.node.domain or 'ai.onnx'}.{op.node.kind}"
    if handler is None:
        raise Refused(f"computes constants by {name}, which is not followed")
    try:
        return handler(op)
    except Refused:
        value = op.at(0)
        if value is None:
            raise
    walk, tracer = op.walk, op.walk.tracer
    walk.tracer = Tracer()
    try:
        result = handler(op.with_input(0, op.as_traced(value)))
    finally:
        walk.tracer = tracer
    found: list[Any] = list(result) if isinstance(result, list | tuple) else [result]
    return [Static(x.shape) if isinstance(x, Traced) else x for x in found]


def _statics(op: Op) -> list[Static]:
    found = [op.at(index) for index in range(op.count)]
    return [value for value in found if isinstance(value, Static)]


def _elementwise(op: Op) -> Static:
    values = _statics(op)
    shape = np.broadcast_shapes(*(value.shape for value in values))
    numbers = [value.numbers for value in values]
    function = ELEMENTWISE.get(op.node.kind)
    present = [number for number in numbers if number is not None]
    if function is not None and len(present) == len(values) and math.prod(shape) <= MOST_NUMBERS:
        return Static(shape, owner(values, shape), given=np.asarray(function(*present)))
    return Static(shape, owner(values, shape))


def owner(values: Sequence[Static], shape: Sequence[int]) -> Any:
    """The tensor that gives a computed constant its elements; None where several may."""
    size = math.prod(shape)
    own = {v.tensor.name: v.tensor for v in values if v.tensor is not None and v.elements == size}
    return next(iter(own.values())) if len(own) == 1 else None


def _reduced(op: Op) -> Static:
    (value, *_) = _statics(op)
    axes = op.integers("axes", 1)
    if not axes:
        axes = () if op.node.integer("noop_with_empty_axes", 0) else tuple(range(value.rank))
    keep = bool(op.node.integer("keepdims", 1))
    gone = {axis % value.rank for axis in axes}
    shape = tuple(1 if i in gone else n for i, n in enumerate(value.shape) if keep or i not in gone)
    function = REDUCTIONS.get(op.node.kind)
    if function is not None and value.numbers is not None:
        return Static.number(function(value.numbers, axis=tuple(gone), keepdims=keep))
    return Static(shape)


def _cast(op: Op) -> Result:
    value = op.static(0)
    to = TYPES.get(op.node.integer("to", 0))
    if value is None or value.numbers is None or to is None or value.is_exact:
        return value
    with np.errstate(all="ignore"):
        return Static(value.shape, value.tensor, given=value.numbers.astype(to))


def _clipped(op: Op) -> Result:
    value = op.static(0)
    low, high = (
        op.node.real(name, 0.0) if name in op.node.attributes else op.scalar(index)
        for index, name in enumerate(("min", "max"), start=1)
    )
    if value is None or value.numbers is None or low is high is None:
        return value
    return Static(value.shape, value.tensor, given=np.clip(value.numbers, low, high))


def _dequantised(op: Op) -> Result:
    value, scale, zero = op.static(0), op.scalar(1), op.scalar(2) or 0.0
    number = None if value is None else value.scalar
    if value is not None and number is not None and scale is not None:
        given = np.full(value.shape, (number - zero) * scale)
        return Static(value.shape, value.tensor, value.place, value.is_exact, given)
    return value


def _product(op: Op) -> Result:
    read = _read_by_weight(op)
    if read is not None:
        handler = op.walk.model.handlers["", op.node.kind]
        return handler(op.with_input(read, op.as_traced(op.value(read))))
    if op.node.kind == "Einsum":
        return _described(op, op.walk.model.handlers["", "Einsum"])
    a, b = op.value(0).shape, op.value(1).shape
    if len(a) < 2 or len(b) < 2:
        raise Refused("multiplies constants")
    if op.node.kind == "Gemm":
        a = a[::-1] if op.node.integer("transA", 0) else a
        b = b[::-1] if op.node.integer("transB", 0) else b
    return Static((*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1]))


def _read_by_weight(op: Op) -> int | None:
    """Which of two operands is computed, where the other is a tensor of the file: its layer."""
    values = [op.at(index) for index in (0, 1)]
    is_held = [isinstance(v, Static) and v.tensor is not None for v in values]
    if is_held[0] == is_held[1] or any(v is None or v.rank < 2 for v in values):
        return None
    return is_held.index(False)


def _of_several(op: Op) -> Result:
    """Constants side by side: numbers are joined, tensors of the file no longer followed."""
    values = _statics(op)
    if any(isinstance(op.at(index), Traced) for index in range(op.count)):
        raise Refused("joins constants with activations")
    axis = op.axis(0, values[0].rank)
    if len(values) == 1:
        return values[0]
    total = list(values[0].shape)
    total[axis] = sum(value.shape[axis] for value in values)
    present = [value.numbers for value in values if value.numbers is not None]
    few = len(present) == len(values) and math.prod(total) <= MOST_NUMBERS
    given = np.concatenate(present, axis) if few else None
    tensors = {id(value.tensor): value.tensor for value in values}
    joined = len(tensors) == 1 and math.prod(total) <= _MOST_JOINED
    parts = [value.indices() for value in values] if joined else []
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(values):
        return Static(tuple(total), given=given)
    index = np.concatenate(known, axis)
    return Static(tuple(total), values[0].tensor, None, True, given, index)


_FOLDS: Mapping[str, Handler] = {
    "Constant": constant,  # type: ignore[dict-item]
    "Cast": _cast,
    "Clip": _clipped,
    "DequantizeLinear": _dequantised,
    "Shape": shape_of,
    "Size": size_of,
    "ConstantOfShape": filled,
    "Range": arange,
    "MatMul": _product,
    "Gemm": _product,
    "Einsum": _product,
    "NonZero": non_zero,
    "Concat": _of_several,
    "RandomNormal": random,
    "RandomUniform": random,
    "RandomNormalLike": random,
    "RandomUniformLike": random,
    "EyeLike": random,
    "Bernoulli": random,
}
