"""Constants that a graph makes: of attributes, of shapes, of bounds."""

from __future__ import annotations

import math

import numpy as np

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Op, sizes
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import MOST_NUMBERS, Static


def constant(op: Op) -> Static | Refused:
    """What a Constant holds."""
    attributes = op.node.attributes
    if "value" in attributes:
        walk = op.walk
        found = walk.model.constant(attributes["value"].t, op.node.output, walk.scope.prefix)
        if isinstance(found, Refused):
            raise found
        return found
    for name, field in (
        ("value_int", "i"),
        ("value_float", "f"),
        ("value_ints", "ints"),
        ("value_floats", "floats"),
    ):
        if name in attributes:
            return Static.number(np.asarray(getattr(attributes[name], field)))
    raise Refused("holds no tensor of numbers")


def shape_of(op: Op) -> Static:
    """Shape: sizes are known, whatever the values are."""
    value = op.value(0)
    shape: tuple[int, ...] | None = value.shape
    if isinstance(value, Traced) and value.is_lost:
        shape = op.walk.model.declared.get(op.node.inputs[0])
    if shape is None:
        raise Refused("takes the shape of what was not followed")
    node = op.node
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    return Static.number(np.asarray(shape[start:end], dtype=np.int64))


def size_of(op: Op) -> Static:
    """Size."""
    return Static.number(math.prod(op.value(0).shape))


def filled(op: Op) -> Static:
    """ConstantOfShape: numbers where they are few, else a shape."""
    numbers = op.numbers(0)
    shape = () if numbers is None else sizes(numbers)
    if math.prod(shape) > MOST_NUMBERS:
        return Static(shape)
    proto = op.node.attributes.get("value")
    held = None if proto is None else op.walk.model.graph.constant(proto.t)
    number = None if held is None else Static.of(held).numbers
    fill = np.float32(0) if number is None else number.reshape(-1)[0]
    return Static(shape, given=np.full(shape, fill))


def arange(op: Op) -> Static:
    """Range of known bounds."""
    start, limit, delta = (op.numbers(index) for index in range(3))
    if start is None or limit is None or delta is None:
        raise Refused("lacks a bound")
    first, last, step = (float(n.reshape(-1)[0]) for n in (start, limit, delta))
    if not step or not (last - first) / step < MOST_NUMBERS:
        raise Refused("makes too many numbers")
    return Static.number(np.arange(first, last, step).astype(start.dtype))


def random(op: Op) -> Static:
    """What is drawn at random, of which only the shape is known."""
    value = op.at(0)
    return Static(sizes(op.node.integers("shape") or ()) if value is None else value.shape)


def non_zero(op: Op) -> Static:
    """NonZero of known numbers."""
    numbers = op.numbers(0)
    if numbers is None:
        raise Refused("lacks an input")
    return Static.number(np.stack(np.nonzero(np.atleast_1d(numbers))).astype(np.int64))
