"""Arithmetic and pooling of quantised activations.

Source: onnxruntime, `docs/ContribOperators.md`.
"""

from __future__ import annotations

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.arithmetic import with_constant
from modlint_plugins.networks.onnx_graph.handlers.pooling import Windows, windowed
from modlint_plugins.networks.onnx_graph.op import Handler, Handlers, Op, Result
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static

MICROSOFT = "com.microsoft"


def turned(op: Op, x: Traced, to: int) -> Traced:
    """Channels moved from axis 1 to the last axis (to = −1), or back (to = 1)."""
    order = [0, *range(2, x.rank), 1] if to < 0 else [0, x.rank - 1, *range(1, x.rank - 1)]
    return moves.transpose(op.tracer, op.name, x, order)


def _pair(op: Op) -> Result:
    """QLinearAdd and QLinearMul: a, scale, zero, b, scale, zero."""
    a, b = op.value(0), op.value(3)
    if isinstance(a, Traced) and isinstance(b, Traced):
        return op.tracer.join("product" if op.node.kind == "QLinearMul" else "sum", a, b)
    kind = "Mul" if op.node.kind == "QLinearMul" else "Add"
    if isinstance(a, Traced) and isinstance(b, Static):
        return with_constant(op, kind, a, b, op.node.inputs[0])
    if isinstance(b, Traced) and isinstance(a, Static):
        return with_constant(op, kind, b, a, op.node.inputs[3])
    raise Refused("combines constants")


def _concat(op: Op) -> Result:
    """QLinearConcat: scale, zero, then (data, scale, zero) of each part."""
    parts = [op.as_traced(op.value(index)) for index in range(2, op.count, 3)]
    return moves.concat(op.tracer, op.name, op.axis(0, parts[0].rank), *parts)


def _function(name: str) -> Handler:
    return lambda op: op.tracer.activation(name, op.traced(0))


def _softmax(op: Op) -> Result:
    x = op.traced(0)
    return op.forgotten(x.shape, x)


def pooled_last(op: Op) -> Result:
    """Pooling of an image whose channels lie along the last axis."""
    return _pooled(op, last=True)


def _average(op: Op) -> Result:
    return _pooled(op, last=bool(op.node.integer("channels_last", 0)))


def _pooled(op: Op, *, last: bool) -> Traced:
    x = turned(op, op.traced(0), 1) if last else op.traced(0)
    kernel = op.node.integers("kernel_shape") or ()
    y = windowed(op, x, Windows(op, kernel))
    return turned(op, y, -1) if last else y


def _average_all(op: Op) -> Result:
    x = op.traced(0)
    first = 1 if op.node.integer("channels_last", 0) else 2
    axes = range(first, x.rank - 1) if first == 1 else range(2, x.rank)
    return op.tracer.reduced(op.name, x, axes, keep=True)


CODES: Handlers = {
    (MICROSOFT, kind): handler
    for kind, handler in {
        "QLinearAdd": _pair,
        "QLinearMul": _pair,
        "QLinearConcat": _concat,
        "QLinearSigmoid": _function("sigmoid"),
        "QLinearLeakyRelu": _function("leakyrelu"),
        "QLinearSoftmax": _softmax,
        "QLinearAveragePool": _average,
        "QLinearGlobalAveragePool": _average_all,
    }.items()
}
