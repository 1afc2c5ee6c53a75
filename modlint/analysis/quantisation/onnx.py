"""Quantised weights of an ONNX model: what its nodes say of codes, scales and zero points.

Source: ONNX operator DequantizeLinear (opset 23); onnxruntime, `docs/ContribOperators.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.quantisation.scheme import ceil
from modlint.analysis.quantisation.weights import parts_by_weight
from modlint.checkpoint import Checkpoint, Tensor
from modlint.results.quantisation import Breach, Layout, Quantisation, QuantisedWeight

QDQ = "ONNX QDQ"
NBITS = "ONNX MatMulNBits"
INTEGER = "ONNX integer operators"

_SCALES: Mapping[str, tuple[int, ...]] = {
    "QuantizeLinear": (1,),
    "DequantizeLinear": (1,),
    "QLinearConv": (1, 4, 6),
    "QLinearMatMul": (1, 4, 6),
    "QGemm": (1, 4, 7),
    "QLinearAdd": (1, 4, 6),
    "QLinearMul": (1, 4, 6),
    "QLinearSigmoid": (1, 3),
    "QLinearLeakyRelu": (1, 3),
    "QLinearGlobalAveragePool": (1, 3),
    "QLinearAveragePool": (1, 3),
    "QLinearSoftmax": (1, 3),
    "MatMulIntegerToFloat": (2, 3),
    "DynamicQuantizeMatMul": (2,),
    "QAttention": (3, 4),
    "QGatherLinear": (2,),
}
"""By operator, which of its inputs are scales."""
_WEIGHTS: Mapping[str, tuple[int, int, int, int]] = {
    "QLinearConv": (3, 4, 5, 0),
    "QLinearMatMul": (3, 4, 5, -1),
    "QGemm": (3, 4, 5, -1),
    "MatMulIntegerToFloat": (1, 3, 5, -1),
    "DynamicQuantizeMatMul": (1, 2, 3, -1),
    "QAttention": (1, 4, 7, -1),
}
"""By operator, its inputs that are codes, scale and zero point, and the axis of the scales."""
_GARBLED = "runtimes refuse the node, or pair codes with the scales of others"


class _Found(Struct):
    """What the nodes of a model say."""

    weights: dict[str, QuantisedWeight] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    scales: dict[str, Tensor] = field(default_factory=dict)


def quantisation_of(checkpoint: Checkpoint) -> Quantisation:
    """The quantised weights of a model that is a graph of ONNX; of any other none."""
    if not isinstance(checkpoint.graph, OnnxGraph):
        return Quantisation()
    tensors = {t.key.partition("#")[0]: t for t in checkpoint.tensors.values()}
    found = _Found()
    for node in _nodes(checkpoint.graph.model):
        _look(node, tensors, found)
    weights = list(found.weights.values())
    parts = dict(parts_by_weight(weights))
    return Quantisation(
        found.weights, parts, tuple(found.breaches), "ONNX" if weights else "", scales=found.scales
    )


def _look(node: Any, tensors: Mapping[str, Tensor], found: _Found) -> None:
    inputs = [tensors.get(name) for name in node.input]
    for index in _SCALES.get(node.op_type, ()):
        if index < len(inputs) and (scale := inputs[index]) is not None:
            found.scales[scale.name] = scale
    if node.op_type == "MatMulNBits":
        _n_bits(node, inputs, found)
    elif node.op_type == "DequantizeLinear":
        axis, block = _integer(node, "axis", 1), _integer(node, "block_size", 0)
        _linear(node, _at(inputs, 0, 1, 2), axis, block, found, QDQ)
    elif node.op_type in _WEIGHTS:
        *places, axis = _WEIGHTS[node.op_type]
        if node.op_type == "QGemm" and _integer(node, "transB", 0):
            axis = 0
        _linear(node, _at(inputs, *places), axis, 0, found, INTEGER)
    elif node.op_type in ("MatMulInteger", "ConvInteger"):
        beside = _beside(node, tensors)
        _linear(node, beside, 0 if node.op_type[0] == "C" else -1, 0, found, INTEGER)


def _at(inputs: list[Tensor | None], *places: int) -> list[Tensor | None]:
    return [inputs[i] if i < len(inputs) else None for i in places]


def _beside(node: Any, tensors: Mapping[str, Tensor]) -> list[Tensor | None]:
    """Codes of an integer operator, with the scale that onnxruntime names after them."""
    if len(node.input) < 2:
        return [None]
    name = node.input[1].removesuffix("_quantized")
    return [tensors.get(n) for n in (node.input[1], f"{name}_scale", f"{name}_zero_point")]


def _linear(
    node: Any, parts: list[Tensor | None], axis: int, block: int, found: _Found, scheme: str
) -> None:
    codes, scale, zero = (*parts, None, None)[:3]
    if codes is None or scale is None:
        return
    own = {"codes": codes, "scale": scale} | ({} if zero is None else {"zero_point": zero})
    name = codes.name.removesuffix("_quantized")
    shape, where = codes.shape, f"{node.op_type} {node.name or node.output[0]}"[:200]
    problem = _problem(shape, scale, zero, axis, block)
    if problem is not None:
        part, due = problem
        what = "scale" if part is scale else "zero point"
        text = f"{what} has the shape {list(part.shape)}, where {where} of codes {codes.name}"
        text += f" {list(shape)} is due {due}"
        values = {"shape": list(part.shape), "codes": list(shape)}
        kind = f"{what.replace(' ', '-')}-shape"
        found.breaches.append(Breach(kind, part.name, text, _GARBLED, values))
        weight = QuantisedWeight(name, scheme, own, None, text, where)
    else:
        weight = QuantisedWeight(name, scheme, own, _layout(shape, scale, axis, block), "", where)
    found.weights.setdefault(name, weight)


def _layout(shape: tuple[int, ...], scale: Tensor, axis: int, block: int) -> Layout:
    layout = Layout("onnx", shape, 8, group=block, axis=axis % max(1, len(shape)))
    if scale.elements == 1:
        return Layout("scaled", shape, 8, (max(1, layout.rows), layout.columns))
    if len(shape) > 1 and layout.axis == 0 and not block:
        return Layout("scaled", shape, 8, (layout.rows // shape[0] or 1, layout.columns))
    return layout


def _problem(
    shape: tuple[int, ...], scale: Tensor, zero: Tensor | None, axis: int, block: int
) -> tuple[Tensor, str] | None:
    """The part that does not fit, and what would."""
    if scale.elements != 1 and not -len(shape) <= axis < len(shape):
        return scale, f"a scalar: there is no axis {axis}"
    if block > 0 and len(scale.shape) == len(shape):
        due = list(shape)
        due[axis] = ceil(shape[axis], block)
        if list(scale.shape) != due:
            return scale, str(due)
    elif scale.elements != 1 and scale.shape != (shape[axis],):
        return scale, f"a scalar or [{shape[axis]}]"
    if zero is not None and zero.elements not in (1, scale.elements):
        return zero, str(list(scale.shape))
    return None


def _n_bits(node: Any, inputs: list[Tensor | None], found: _Found) -> None:
    codes, scale, zero, order = _at(inputs, 1, 2, 3, 4)
    if codes is None or scale is None:
        return
    wide, out, bits, block = (_integer(node, name, 4) for name in ("K", "N", "bits", "block_size"))
    where = f"MatMulNBits {node.name or node.output[0]}"[:200]
    own = {"codes": codes, "scale": scale} | ({} if zero is None else {"zero_point": zero})
    name = codes.name
    if min(wide, out, block) < 1 or bits not in (2, 4, 8):
        reason = f"{bits} bits in blocks of {block} of {wide} inputs and {out} outputs"
        found.weights.setdefault(name, QuantisedWeight(name, NBITS, own, None, reason, where))
        return
    runs = ceil(wide, block)
    due = {"codes": out * runs * ceil(block * bits, 8), "scale": out * runs}
    packed = zero is not None and zero.dtype.name == "uint8"
    due["zero_point"] = out * ceil(runs * bits, 8) if packed else out * runs
    wrong = [role for role, part in own.items() if part.elements != due[role]]
    for role in wrong:
        text = f"{role.replace('_', ' ')} has {own[role].elements:,} elements, where {where} of"
        text += f" {out:,} rows of {wide:,} inputs in blocks of {block} needs {due[role]:,}"
        values = {"elements": own[role].elements, "expected": due[role]}
        kind = f"{role.replace('_', '-')}-shape"
        found.breaches.append(Breach(kind, own[role].name, text, _GARBLED, values))
    layout = None
    if not wrong and order is None:
        offset = 0 if zero is not None else 1 << (bits - 1)
        layout = Layout("packed", (out, wide), bits, (1, block), offset=offset, axis=1)
    reason = "" if layout is not None else "its parts do not fit, or its inputs are reordered"
    found.weights.setdefault(name, QuantisedWeight(name, NBITS, own, layout, reason, where))


def _nodes(model: Any) -> Iterator[Any]:
    yield from model.graph.node
    for function in model.functions:
        yield from function.node


def _integer(node: Any, name: str, default: int) -> int:
    for attribute in node.attribute:
        if attribute.name == name:
            return int(attribute.i)
    return default
