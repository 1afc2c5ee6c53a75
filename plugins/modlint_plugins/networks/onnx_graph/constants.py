"""Constants on their way to a layer, and arithmetic on shapes; nothing large is computed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from modlint.checkpoint import Tensor
from modlint_plugins.networks.onnx_graph.nodes import Node, text
from modlint_plugins.networks.onnx_graph.values import Computed, Constant, Integers, Value

if TYPE_CHECKING:
    from modlint_plugins.readers.onnx.graph import OnnxGraph

_MAX_SMALL = 64
_MAX_SIZE = 1 << 48
_READABLE = frozenset(
    {"bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64"}
    | {"uint8", "uint16", "uint32", "uint64"}
)
_SAME = frozenset({"Identity", "Cast", "CastLike", "Dropout"})
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": lambda a, b: a // b,
    "Max": max,
    "Min": min,
}


def numbers(tensor: Tensor) -> tuple[float, ...] | None:
    """The elements of a small tensor, None where it is large or not of a plain type."""
    import numpy as np

    if tensor.elements > _MAX_SMALL or tensor.dtype.name not in _READABLE:
        return None
    values = np.frombuffer(tensor.storage.read(), np.dtype(tensor.dtype.name))
    return tuple(values.tolist())


def integers(value: Value | None) -> tuple[int | None, ...] | None:
    """A value as a short list of integers, None where it is not one."""
    if isinstance(value, Integers):
        return value.values
    if isinstance(value, Constant) and value.tensor.dtype.kind in ("int", "uint"):
        found = numbers(value.tensor)
        return None if found is None else tuple(int(number) for number in found)
    return None


def scalar(value: Value | None) -> float | None:
    """A value as one number, None where it is not one."""
    if isinstance(value, Constant) and value.tensor.elements == 1:
        found = numbers(value.tensor)
        return found[0] if found else None
    if isinstance(value, Integers) and len(value.values) == 1:
        return value.values[0]
    return None


def known(values: Sequence[int | None] | None) -> tuple[int, ...] | None:
    """The values where all of them are known, else None."""
    if values is None:
        return None
    found = tuple(value for value in values if value is not None)
    return found if len(found) == len(values) else None


def constant_node(node: Node, graph: OnnxGraph, tensors: Mapping[str, Tensor]) -> Value:
    """What a Constant node holds."""
    for attribute in node.proto.attribute:
        name = text(attribute.name)
        if name == "value" and attribute.HasField("t"):
            tensor = tensors.get(node.output) or graph.constant(attribute.t)
            if tensor is not None:
                own = node.output if node.output in tensors else None
                return Constant(own, tensor, tensor.shape)
        if name == "value_int":
            return Integers((attribute.i,), scalar=True)
        if name == "value_ints" and len(attribute.ints) <= _MAX_SMALL:
            return Integers(tuple(attribute.ints))
    return Computed(node)


def fold(node: Node, inputs: Sequence[Value | None]) -> Value:
    """What a node makes of constants."""
    first = inputs[0] if inputs else None
    if node.domain or first is None:
        return Computed(node)
    if node.op in _SAME:
        return first
    if isinstance(first, Constant):
        moved = _moved(node, first, inputs)
        if moved is not None:
            return moved
    shape = _shape_arithmetic(node, inputs)
    return Computed(node) if shape is None else shape


def _moved(node: Node, constant: Constant, inputs: Sequence[Value | None]) -> Constant | None:
    """A constant transposed or reshaped."""
    if node.op == "Transpose" and len(constant.shape) == 2:
        if node.integers("perm") == (0, 1):
            return constant
        shape = constant.shape[::-1]
        return Constant(constant.name, constant.tensor, shape, not constant.transposed)
    if node.op == "Reshape" and not constant.transposed and len(inputs) > 1:
        target = known(integers(inputs[1]))
        shape_or_none = _resolved(constant, target) if target is not None else None
        if shape_or_none is not None:
            return Constant(constant.name, constant.tensor, shape_or_none)
    if node.op in ("Squeeze", "Unsqueeze") and not constant.transposed:
        axes = known(integers(inputs[1])) if len(inputs) > 1 else node.integers("axes")
        reshaped = _with_ones(node.op, constant.shape, axes)
        if reshaped is not None:
            return Constant(constant.name, constant.tensor, reshaped)
    return None


def _with_ones(
    op: str, shape: tuple[int, ...], axes: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """A shape with axes of size 1 taken out, or put in."""
    if op == "Squeeze":
        removed = {i for i, size in enumerate(shape) if size == 1 and axes is None}
        removed |= {axis % max(1, len(shape)) for axis in axes or ()}
        return tuple(size for i, size in enumerate(shape) if i not in removed)
    rank = len(shape) + len(axes or ())
    added = {axis % max(1, rank) for axis in axes or ()}
    if rank > _MAX_SMALL or len(added) != len(axes or ()):
        return None
    rest = iter(shape)
    return tuple(1 if i in added else next(rest) for i in range(rank))


def _resolved(constant: Constant, target: tuple[int, ...]) -> tuple[int, ...] | None:
    """The target shape of a Reshape with 0 and −1 filled in, None where it does not fit."""
    padded = (*constant.shape, *(1 for _ in target))
    sizes = [old if size == 0 else size for size, old in zip(target, padded, strict=False)]
    product = 1
    for size in sizes:
        product *= size if size != -1 else 1
    if sizes.count(-1) == 1 and product > 0 and not constant.tensor.elements % product:
        missing = constant.tensor.elements // product
        return tuple(missing if size == -1 else size for size in sizes)
    return tuple(sizes) if product == constant.tensor.elements and -1 not in sizes else None


def _shape_arithmetic(node: Node, inputs: Sequence[Value | None]) -> Integers | None:
    """Arithmetic on shapes, where each size may be unknown."""
    lists = [integers(value) for value in inputs]
    first = lists[0]
    if first is None:
        return None
    if node.op in ("Unsqueeze", "Squeeze"):
        return Integers(first, scalar=node.op == "Squeeze")
    if node.op == "Concat" and all(part is not None for part in lists):
        joined = tuple(size for part in lists if part is not None for size in part)
        return Integers(joined) if len(joined) <= _MAX_SMALL else None
    if node.op == "Gather" and len(lists) > 1:
        return _gather(first, lists[1])
    if node.op == "Slice":
        return _slice(node, first, lists)
    if node.op in _ARITHMETIC and len(lists) == 2 and lists[1] is not None:
        return _elementwise(node.op, first, lists[1])
    return None


def _gather(
    sizes: tuple[int | None, ...], indices: tuple[int | None, ...] | None
) -> Integers | None:
    if indices is None or any(i is None or not -len(sizes) <= i < len(sizes) for i in indices):
        return None
    picked = tuple(sizes[i] for i in indices if i is not None)
    return Integers(picked, scalar=len(picked) == 1)


def _slice(
    node: Node, sizes: tuple[int | None, ...], lists: Sequence[tuple[int | None, ...] | None]
) -> Integers | None:
    bounds = [known(part) for part in lists[1:3]] or [
        node.integers("starts"),
        node.integers("ends"),
    ]
    steps = known(lists[4]) if len(lists) > 4 else (1,)
    if len(bounds) < 2 or steps != (1,):
        return None
    starts, ends = bounds
    if starts is None or ends is None or len(starts) != 1 or len(ends) != 1:
        return None
    return Integers(sizes[starts[0] : ends[0]])


def _elementwise(
    op: str, left: tuple[int | None, ...], right: tuple[int | None, ...]
) -> Integers | None:
    if not left or not right:
        return None
    length = max(len(left), len(right))
    if {len(left), len(right)} - {1, length}:
        return None
    pairs = zip(left * (length // len(left)), right * (length // len(right)), strict=True)
    return Integers(tuple(_apply(op, a, b) for a, b in pairs))


def _apply(op: str, a: int | None, b: int | None) -> int | None:
    if a is None or b is None or (op == "Div" and not b):
        return None
    result = _ARITHMETIC[op](a, b)
    return result if abs(result) < _MAX_SIZE else None
