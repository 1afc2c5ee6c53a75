"""Fused operators of onnxruntime.

Source: onnxruntime, `docs/ContribOperators.md`.
"""

from __future__ import annotations

from modlint.network import NormKind
from modlint_plugins.networks.flow.labels import broadcast
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.arithmetic import with_constant
from modlint_plugins.networks.onnx_graph.handlers.codes import MICROSOFT, pooled_last
from modlint_plugins.networks.onnx_graph.handlers.convolutions import Places, convolved
from modlint_plugins.networks.onnx_graph.handlers.lookups import embedded
from modlint_plugins.networks.onnx_graph.handlers.norms import layered
from modlint_plugins.networks.onnx_graph.handlers.products import gemm
from modlint_plugins.networks.onnx_graph.handlers.quantised import nhwc_convolved
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static


def _skip_layer(op: Op) -> Result:
    """x, skip, scale, shift, bias: the norm of their sum, and the sum."""
    return _skipped(op, "layer", (2, 3), 4)


def _skip_rms(op: Op) -> Result:
    """x, skip, scale, bias."""
    return _skipped(op, "rms", (2, None), 3)


def _skipped(op: Op, kind: NormKind, places: tuple[int, int | None], bias: int) -> Result:
    total = _sum(op, op.value(0), op.value(1))
    shift = op.at(bias)
    if isinstance(shift, Static):
        total = with_constant(op, "Add", total, shift, "")
    scale, own = places
    y = layered(op, kind, total, total.rank - 1, scale, own)
    statistic = (*total.shape[:-1], 1)
    return [y, op.forgotten(statistic, total), op.forgotten(statistic, total), total]


def _sum(op: Op, *values: Traced | Static) -> Traced:
    traced = [value for value in values if isinstance(value, Traced)]
    y = op.tracer.join("sum", *traced) if len(traced) > 1 else traced[0]
    return op.widened(y, broadcast(value.shape for value in values))


def _embed_layer(op: Op) -> Result:
    """Ids of words and segments, three tables, a norm."""
    ids, segments = op.value(0), op.at(1)
    tables = [op.at(index) for index in (2, 3, 4)]
    read = [True, True, segments is not None]
    parts = [
        embedded(op, table, (*ids.shape, table.shape[1]))
        for table, is_read in zip(tables, read, strict=True)
        if is_read and isinstance(table, Static) and table.rank == 2
    ]
    op.walk.scope.fresh.pop(op.node.output, None)
    if not parts:
        raise Refused("has tables that are no constants")
    total = _sum(op, *parts)
    y = layered(op, "layer", total, total.rank - 1, 5, 6)
    return [y, op.forgotten((ids.shape[0],), total), total]


def _biased_gelu(op: Op) -> Result:
    """BiasGelu and FastGelu: x, bias."""
    x, bias = op.traced(0), op.at(1)
    if isinstance(bias, Static):
        x = with_constant(op, "Add", x, bias, op.node.inputs[0])
    elif bias is not None:
        x = op.tracer.join("sum", x, bias)
    return op.tracer.activation("gelu", x)


def _biased(op: Op) -> Result:
    """BiasAdd and BiasDropout: x, bias, residual."""
    x, bias, residual = op.traced(0), op.at(1), op.at(2)
    if isinstance(bias, Static):
        x = with_constant(op, "Add", x, bias, op.node.inputs[0])
    return _sum(op, x, residual) if isinstance(residual, Traced) else x


def _finished(op: Op, y: Traced, added: int) -> Traced:
    """What is added to a fused layer, and its activation."""
    extra = op.at(added)
    if isinstance(extra, Traced):
        op.walk.scope.fresh.pop(op.node.output, None)
        y = op.tracer.join("sum", y, extra)
    name = op.node.string("activation", "").lower()
    if not name:
        return y
    op.walk.scope.fresh.pop(op.node.output, None)
    return op.tracer.activation(name, y)


def _fused_conv(op: Op) -> Result:
    return _finished(op, convolved(op, Places()), 3)


def _nhwc_conv(op: Op) -> Result:
    return _finished(op, nhwc_convolved(op, Places(), last=True), 3)


def _fused_gemm(op: Op) -> Result:
    return _finished(op, gemm(op, 0, 1, 2), 99)


def _bias_softmax(op: Op) -> Result:
    x = op.traced(0)
    return op.forgotten(x.shape, x)


HANDLERS: Handlers = {
    (MICROSOFT, kind): handler
    for kind, handler in {
        "SkipLayerNormalization": _skip_layer,
        "SkipSimplifiedLayerNormalization": _skip_rms,
        "EmbedLayerNormalization": _embed_layer,
        "BiasGelu": _biased_gelu,
        "FastGelu": _biased_gelu,
        "BiasAdd": _biased,
        "BiasDropout": _biased,
        "FusedConv": _fused_conv,
        "FusedGemm": _fused_gemm,
        "NhwcFusedConv": _nhwc_conv,
        "NhwcMaxPool": pooled_last,
        "BiasSoftmax": _bias_softmax,
    }.items()
} | {
    ("", "SkipSimplifiedLayerNormalization"): _skip_rms,
    ("", "SkipLayerNormalization"): _skip_layer,
}
