"""Quantised operators: codes stand for the weights that they encode.

Source: ONNX operators (opset 23); onnxruntime, `docs/ContribOperators.md`.
"""

from __future__ import annotations

from modlint.network import Layout
from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.tracer import Traced
from modlint_plugins.networks.onnx_graph.handlers.arithmetic import with_constant
from modlint_plugins.networks.onnx_graph.handlers.convolutions import Places, convolved
from modlint_plugins.networks.onnx_graph.handlers.lookups import embedded
from modlint_plugins.networks.onnx_graph.handlers.pooling import Windows, windowed
from modlint_plugins.networks.onnx_graph.handlers.products import gemm, matmul
from modlint_plugins.networks.onnx_graph.op import Handler, Handlers, Op, Result, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.weights import called

MICROSOFT = "com.microsoft"
_QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")


def _same(op: Op) -> Result:
    """Codes carry the channels of what they encode."""
    read, scope = op.node.inputs[0], op.walk.scope
    if read in scope.fresh and scope.readers[read] == 1:
        scope.fresh[op.node.output] = scope.fresh[read]
    return op.at(0)


def _dynamic(op: Op) -> Result:
    """DynamicQuantizeLinear: codes, scale and zero point."""
    x = op.traced(0)
    return [x, op.forgotten((), x), op.forgotten((), x)]


def _last(op: Op, x: Traced, to: int) -> Traced:
    """Channels moved from axis 1 to the last axis (to = −1), or back (to = 1)."""
    order = [0, *range(2, x.rank), 1] if to < 0 else [0, x.rank - 1, *range(1, x.rank - 1)]
    return moves.transpose(op.tracer, op.name, x, order)


def channels_first(op: Op, index: int) -> Op:
    """The operator with the image at an input turned from channels-last."""
    return op.with_input(index, _last(op, op.traced(index), 1))


def _convolution(op: Op) -> Result:
    """QLinearConv: data, scale, zero, kernel, scale, zero, scale, zero, bias."""
    return nhwc_convolved(op, Places(0, 3, 8), bool(op.node.integer("channels_last", 0)))


def nhwc_convolved(op: Op, places: Places, last: bool) -> Traced:
    """A convolution of an image whose channels may lie along the last axis."""
    if not last:
        return convolved(op, places)
    return _last(op, convolved(channels_first(op, places.data), places), -1)


def _integer_convolution(op: Op) -> Result:
    return convolved(op, Places(0, 1, 99))


def _matmul(op: Op) -> Result:
    """QLinearMatMul: a, scale, zero, b, scale, zero, scale, zero."""
    return matmul(op, 0, 3)


def _integer_matmul(op: Op) -> Result:
    return matmul(op, 0, 1)


def _biased_matmul(place: int) -> Handler:
    """A product with a bias at a place among the inputs."""

    def handler(op: Op) -> Result:
        y = matmul(op, 0, 1)
        bias = op.at(place)
        if not isinstance(bias, Static):
            return y
        op.walk.scope.readers[op.node.output] += 0
        return with_constant(op, "Add", y, bias, "")

    return handler


def _gemm(op: Op) -> Result:
    """QGemm: a, scale, zero, b, scale, zero, c."""
    return gemm(op, 0, 3, 6)


def _packed_matmul(op: Op) -> Result:
    """MatMulNBits: B (N, blocks, bytes) stands for N rows of K columns."""
    x, codes, bias = op.traced(0), op.value(1), op.at(5)
    wide, out = op.node.integer("K", 0), op.node.integer("N", 0)
    if not isinstance(codes, Static) or codes.tensor is None or wide < 1 or out < 1:
        raise Refused("has weights that are no tensor of the file")
    is_plain = op.at(4) is None and codes.name is not None
    weight = Weighted(
        tensor=codes.tensor.name,
        layout=Layout(0, (1, out, wide, 1), (1, wide, 1, 1)) if is_plain else None,
        rows=out,
        columns=wide,
        bias=bias.name if isinstance(bias, Static) and bias.elements == out else None,
    )
    return called(op, "linear", weight, x, -1, (*x.shape[:-1], out), -1)


def _packed_gather(op: Op) -> Result:
    """GatherBlockQuantized: rows of a table of codes, several of which may share a byte."""
    table, index, node = op.value(0), op.value(1), op.node
    if not isinstance(table, Static) or table.rank != 2 or node.integer("gather_axis", 0):
        raise Refused("looks up a table in a way that is not followed")
    packed = table.tensor is not None and table.tensor.dtype.name == "uint8"
    each = 8 // max(1, node.integer("bits", 4)) if packed else 1
    shape = (table.shape[0], table.shape[1] * each)
    if each == 1:
        return embedded(op, table, (*index.shape, shape[1]))
    if table.tensor is None:
        raise Refused("has a table that is no tensor of the file")
    weight = Weighted(tensor=table.tensor.name, layout=None, rows=shape[1], columns=shape[0])
    return called(op, "embedding", weight, None, 0, (*index.shape, shape[1]), -1)


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
    x = _last(op, op.traced(0), 1) if last else op.traced(0)
    kernel = op.node.integers("kernel_shape") or ()
    y = windowed(op, x, Windows(op, kernel))
    return _last(op, y, -1) if last else y


def _average_all(op: Op) -> Result:
    x = op.traced(0)
    first = 1 if op.node.integer("channels_last", 0) else 2
    axes = range(first, x.rank - 1) if first == 1 else range(2, x.rank)
    return op.tracer.reduced(op.name, x, axes, keep=True)


HANDLERS: Handlers = {
    **standard(
        QuantizeLinear=_same,
        DequantizeLinear=_same,
        DynamicQuantizeLinear=_dynamic,
        QLinearConv=_convolution,
        QLinearMatMul=_matmul,
        ConvInteger=_integer_convolution,
        MatMulInteger=_integer_matmul,
    ),
    **{
        (MICROSOFT, kind): handler
        for kind, handler in {
            "QuantizeLinear": _same,
            "DequantizeLinear": _same,
            "QLinearConv": _convolution,
            "MatMulInteger16": _integer_matmul,
            "DynamicQuantizeMatMul": _biased_matmul(4),
            "MatMulIntegerToFloat": _biased_matmul(6),
            "QGemm": _gemm,
            "MatMulNBits": _packed_matmul,
            "GatherBlockQuantized": _packed_gather,
            "QLinearAdd": _pair,
            "QLinearMul": _pair,
            "QLinearConcat": _concat,
            "QLinearSigmoid": _function("sigmoid"),
            "QLinearLeakyRelu": _function("leakyrelu"),
            "QLinearSoftmax": _softmax,
            "QLinearAveragePool": _average,
            "QLinearGlobalAveragePool": _average_all,
        }.items()
    },
    **{
        (domain, kind): _same
        for domain in _QONNX
        for kind in ("Quant", "IntQuant", "FloatQuant", "BipolarQuant", "Trunc")
    },
}
