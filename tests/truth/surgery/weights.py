"""How an ONNX graph uses its constants: axes of weights, tensors with an element a channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

Arrays = dict[str, np.ndarray]
_CHANNEL_BY_CHANNEL = """
Relu LeakyRelu Elu Selu Celu Gelu Mish Sigmoid HardSigmoid Tanh Softplus Softsign HardSwish
Swish Clip Erf Identity Cast Dropout Add Sub Mul Div PRelu BatchNormalization
InstanceNormalization LayerNormalization MaxPool AveragePool GlobalAveragePool Transpose Exp
Sqrt Pow Concat Slice Pad Resize Split
"""
_PASSING = frozenset(_CHANNEL_BY_CHANNEL.split())
_MOVED = {"Concat", "Slice", "Pad", "Resize", "Split"}


@dataclass(frozen=True)
class Use:
    """One use of a weight: the axes of its stored tensor, the channel axis of what it makes."""

    node: onnx.NodeProto
    rows: int
    lines: int
    out: int


def constants(model: onnx.ModelProto) -> Arrays:
    """Initializers and constant nodes."""
    found = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def uses(model: onnx.ModelProto, held: Arrays) -> dict[str, list[Use]]:
    """The uses of each weight that surgery can edit; [] where there is one that it cannot."""
    found: dict[str, list[Use]] = defaultdict(list)
    spoilt: set[str] = set()
    turned = {
        n.output[0]: n.input[0]
        for n in model.graph.node
        if n.op_type == "Transpose" and held.get(n.input[0], np.zeros(0)).ndim == 2
    }
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            stored = turned.get(name, name)
            if (
                stored not in held
                or held[stored].ndim < 2
                or (name in turned.values() and node.op_type == "Transpose")
            ):
                continue
            use = _use(node, place, name in turned, held[stored])
            if use is None and node.op_type not in _PASSING:
                spoilt.add(stored)
            elif use is not None:
                found[stored].append(use)
    return {name: [] if name in spoilt else many for name, many in found.items()}


def _use(node: onnx.NodeProto, place: int, turned: bool, array: np.ndarray) -> Use | None:
    given = {a.name: a.i for a in node.attribute}
    if node.op_type == "Conv" and place == 1 and given.get("group", 1) in (1, array.shape[0]):
        return Use(node, 0, 1, 1)
    if node.op_type == "ConvTranspose" and place == 1 and given.get("group", 1) == 1:
        return Use(node, 1, 0, 1)
    if node.op_type == "Gemm" and place == 1:
        return Use(node, *((0, 1) if bool(given.get("transB")) != turned else (1, 0)), 1)
    if node.op_type == "MatMul" and place == 1 and array.ndim == 2:
        return Use(node, *((0, 1) if turned else (1, 0)), -1)
    if node.op_type == "Gather" and place == 0 and array.ndim == 2 and not given.get("axis"):
        return Use(node, 1, -9, -1)
    return None


def depthwise(many: dict[str, list[Use]], held: Arrays) -> set[str]:
    """Weights of depthwise convolutions."""
    return {
        n
        for n, u in many.items()
        if u
        and u[0].node.op_type == "Conv"
        and held[n].shape[1] == 1
        and {a.name: a.i for a in u[0].node.attribute}.get("group", 1) > 1
    }


def beside(
    model: onnx.ModelProto, many: dict[str, list[Use]], held: Arrays
) -> dict[str, tuple[str, int]]:
    """Constants with an element a channel → the weight whose channels these are, and their axis."""
    readers = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    found: dict[str, tuple[str, int]] = {}
    for weight, used in many.items():
        for use in used:
            size = held[weight].shape[use.rows]
            for name, axis in _along(use, size, readers, held):
                found.setdefault(name, (weight, axis))
    return found


def _along(
    use: Use, size: int, readers: dict[str, list[onnx.NodeProto]], held: Arrays
) -> Iterator[tuple[str, int]]:
    yield from _vectors(use.node, size, held)
    waiting, seen = [use.node.output[0]], set()
    while waiting:
        value = waiting.pop()
        for node in readers[value] if value not in seen else ():
            if node.op_type in _PASSING - _MOVED:
                yield from _vectors(node, size, held)
                waiting += node.output
        seen.add(value)


def _vectors(node: onnx.NodeProto, size: int, held: Arrays) -> Iterator[tuple[str, int]]:
    for name in node.input:
        if name in held and held[name].size == size and size > 1:
            yield name, max(range(held[name].ndim), key=lambda a: held[name].shape[a])


def reached(model: onnx.ModelProto, many: dict[str, list[Use]]) -> set[str]:
    """Weights whose channels come to a result of the graph without another weight between."""
    readers = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    ends = {o.name for o in model.graph.output}
    stops = {use.node.output[0] for used in many.values() for use in used}
    return {
        w
        for w, used in many.items()
        if any(_reaches(u.node.output[0], readers, ends, stops) for u in used)
    }


def _reaches(
    start: str, readers: dict[str, list[onnx.NodeProto]], ends: set[str], stops: set[str]
) -> bool:
    waiting, seen = [start], set()
    while waiting:
        value = waiting.pop()
        if value in ends:
            return True
        for node in readers[value] if value not in seen else ():
            waiting += [o for o in node.output if o not in stops]
        seen.add(value)
    return False
