"""Operators that hold weights: Gemm, MatMul, Conv, ConvTranspose."""

from __future__ import annotations

from collections.abc import Mapping

from modlint.network import LayerKind
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.reasons import branches
from modlint_plugins.networks.onnx_graph.values import Constant, Input, Signal, Stop
from modlint_plugins.networks.onnx_graph.walk import Handler, Walk


def gemm(walk: Walk, node: Node) -> Signal:
    """Y = alpha · A · B + beta · C, with activations in A and weights in B."""
    if node.real("alpha", 1.0) != 1.0 or node.real("beta", 1.0) != 1.0:
        raise Stop(node, "(Gemm) scales by alpha or beta, which modlint does not fold yet")
    data, weight = walk.data(node), walk.weight(node, 1)
    if node.integer("transA", 0):
        raise Stop(node, "(Gemm) transposes its input (transA), which modlint does not follow")
    signal = _linear(walk, node, data, weight, out_first=bool(node.integer("transB", 0)))
    if walk.operand(node, 2) is not None:
        bias = walk.weight(node, 2)
        walk.layers[signal.group].bias = _bias(node, bias, walk.groups[signal.group])
    return signal


def matmul(walk: Walk, node: Node) -> Signal:
    """A product with a weight on one side."""
    left, right = walk.operand(node, 0), walk.operand(node, 1)
    if isinstance(left, Input | Signal):
        return _linear(walk, node, left, walk.weight(node, 1), out_first=False)
    if not isinstance(right, Input | Signal):
        raise Stop(node, branches("MatMul"))
    return _linear(walk, node, right, walk.weight(node, 0), out_first=True, side=-2)


def _linear(
    walk: Walk,
    node: Node,
    data: Input | Signal,
    weight: Constant,
    *,
    out_first: bool,
    side: int = -1,
) -> Signal:
    """A fully connected layer whose input neurons lie along axis `side` of the data."""
    if len(weight.shape) != 2 or 0 in weight.shape:
        raise Stop(node, f"({node.op}) takes a weight of shape {list(weight.shape)}, not a matrix")
    out, fan_in = weight.shape if out_first else weight.shape[::-1]
    rank = _rank(data)
    source = walk.entered(node, data, fan_in, rank)
    axis = rank + side
    if axis < 0 or source.axis not in (None, axis) or (source.axis is None and data is source):
        raise Stop(node, f"({node.op}) multiplies along an axis that holds no neurons")
    return walk.add_layer(
        node,
        "linear",
        weight,
        source,
        out,
        axis=axis,
        transposed=out_first == weight.transposed,
        columns=_columns(walk, node, source, fan_in),
    )


def _rank(data: Input | Signal) -> int:
    if isinstance(data, Signal):
        return data.rank
    return 2 if data.shape is None else max(2, len(data.shape))


def _columns(walk: Walk, node: Node, source: Signal, fan_in: int) -> int:
    """Columns of a matrix that belong to one source neuron."""
    size = walk.groups[source.group]
    fits = fan_in == size if source.columns == "unit" else size and not fan_in % size
    if not fits:
        raise Stop(node, f"({node.op}) takes {fan_in:,} inputs from {size:,} neurons")
    return fan_in // size


def _bias(node: Node, bias: Constant, out: int) -> str | None:
    if bias.tensor.elements not in (1, out):
        raise Stop(node, f"({node.op}) adds {bias.tensor.elements:,} biases to {out:,} neurons")
    return bias.name if bias.tensor.elements == out else None


def conv(walk: Walk, node: Node) -> Signal:
    """A convolution: weight (out, in/groups, *kernel)."""
    weight, groups = _kernel(walk, node)
    out, fan_in = weight.shape[:2]
    return _convolution(walk, node, weight, fan_in * groups, out, groups)


def conv_transpose(walk: Walk, node: Node) -> Signal:
    """A transposed convolution: weight (in, out/groups, *kernel)."""
    weight, groups = _kernel(walk, node)
    fan_in, out = weight.shape[:2]
    return _convolution(walk, node, weight, fan_in, out * groups, groups)


def _kernel(walk: Walk, node: Node) -> tuple[Constant, int]:
    weight, groups = walk.weight(node, 1), node.integer("group", 1)
    if len(weight.shape) < 3 or weight.transposed or 0 in weight.shape:
        raise Stop(node, f"({node.op}) takes a weight of shape {list(weight.shape)}, not a kernel")
    if groups < 1 or weight.shape[0] % groups:
        raise Stop(node, f"({node.op}) has {weight.shape[0]:,} channels in {groups} groups")
    return weight, groups


def _convolution(
    walk: Walk, node: Node, weight: Constant, fan_in: int, out: int, groups: int
) -> Signal:
    data = walk.data(node)
    source = walk.entered(node, data, fan_in, len(weight.shape))
    axis_fits = source.axis in (None, 1) and not (source.axis is None and data is source)
    if not axis_fits or source.columns != "unit" or source.rank != len(weight.shape):
        raise Stop(node, f"({node.op}) does not find its channels along axis 1")
    if walk.groups[source.group] != fan_in:
        neurons = walk.groups[source.group]
        raise Stop(node, f"({node.op}) takes {fan_in:,} channels from {neurons:,} neurons")
    kind: LayerKind = "conv" if node.op == "Conv" else "conv-transpose"
    bias = None
    if walk.operand(node, 2) is not None:
        bias = _bias(node, walk.weight(node, 2), out)
    return walk.add_layer(
        node,
        kind,
        weight,
        source,
        out,
        axis=1,
        bias=bias,
        groups=groups,
    )


HANDLERS: Mapping[str, Handler] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
}
