"""Quantised operators: codes stand for the weights that they encode.

Source: ONNX operators (opset 23); onnxruntime, `docs/ContribOperators.md`.
"""

from __future__ import annotations

from modlint.network import Layout
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.arithmetic import with_constant
from modlint_plugins.networks.onnx_graph.handlers.codes import CODES, MICROSOFT, turned
from modlint_plugins.networks.onnx_graph.handlers.convolutions import Places, convolved
from modlint_plugins.networks.onnx_graph.handlers.lookups import embedded
from modlint_plugins.networks.onnx_graph.handlers.products import gemm, matmul
from modlint_plugins.networks.onnx_graph.op import Handler, Handlers, Op, Result, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.weights import called

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


def channels_first(op: Op, index: int) -> Op:
    """The operator with the image at an input turned from channels-last."""
    return op.with_input(index, turned(op, op.traced(index), 1))


def _convolution(op: Op) -> Result:
    """QLinearConv: data, scale, zero, kernel, scale, zero, scale, zero, bias."""
    return nhwc_convolved(op, Places(0, 3, 8), bool(op.node.integer("channels_last", 0)))


def nhwc_convolved(op: Op, places: Places, last: bool) -> Traced:
    """A convolution of an image whose channels may lie along the last axis."""
    if not last:
        return convolved(op, places)
    return turned(op, convolved(channels_first(op, places.data), places), -1)


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
        return with_constant(op, "Add", y, bias, op.node.output)

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


HANDLERS: Handlers = {
    **CODES,
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
        }.items()
    },
    **{
        (domain, kind): _same
        for domain in _QONNX
        for kind in ("Quant", "IntQuant", "FloatQuant", "BipolarQuant", "Trunc")
    },
}
