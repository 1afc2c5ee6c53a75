"""Names for layers: the module's own where the exporter kept it."""

from __future__ import annotations

import re

_WEIGHT = re.compile(r"^(?P<stem>.+?)[._/](weights?|kernel|W)(:0)?(_quantized)?$")
_BIAS = re.compile(r"^(?P<stem>.+?)[._/](bias|B)(:0)?(_quantized)?$")
_VARIANT = re.compile(r"^(QLinear|Q(?=Gemm)|Fused|NhwcFused|DynamicQuantize)|(Integer|NBits)$")
_TENSOR_NOISE = re.compile(r"^(onnx::.*|val_\d+|.*_output_\d+)$")
_NODE_NOISE = re.compile(r"^(node_.*|n\d+|[A-Za-z]+_\d+|\d+|)$")


def layer_name(weight: str, bias: str | None, node: str, op: str) -> str:
    """What to call a layer.

    Args:
        weight: name of its weight tensor ("features.0.weight", "onnx::MatMul_48").
        bias: name of its bias tensor, if any.
        node: name of its node ("/features/features.0/Conv", "node_linear").
        op: its op_type.
    """
    op = _VARIANT.sub("", op)
    scoped = _scope(node, op)
    named = scoped if node.startswith("/") else ""  # equal biases may have been made one tensor
    found = _stem(_WEIGHT, weight) or named or _stem(_BIAS, bias or "") or scoped
    if found:
        return found
    noisy = _NODE_NOISE.match(node) or node.casefold() == op.casefold()
    if noisy and not (node and _TENSOR_NOISE.match(weight)):
        return weight
    return node


def _stem(pattern: re.Pattern[str], tensor: str) -> str:
    """The module's name in that of its tensor, "" where it has none."""
    match = pattern.match(tensor)
    return match["stem"] if match and not _TENSOR_NOISE.match(tensor) else ""


def _scope(node: str, op: str) -> str:
    """The module path in a node's name, "" where it has none."""
    *parts, last = node.strip("/").split("/")
    if not last.casefold().startswith(op.casefold()):
        return ""
    if not node.startswith("/"):
        return "/".join(parts)
    path = ""
    for part in parts:  # "/layer1/layer1.0/conv1/Conv": a child of a Sequential repeats its parent
        parent, _, own = path.rpartition(".")
        if not part.startswith(f"{own}.") or not path:
            parent = path
        path = f"{parent}.{part}" if parent else part
    return path
