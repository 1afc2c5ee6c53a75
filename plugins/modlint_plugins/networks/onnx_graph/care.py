"""What ONNX's operators do to numbers that they read: those listed keep to what is noted."""

from __future__ import annotations

from modlint_plugins.networks.flow.altering import Care
from modlint_plugins.networks.onnx_graph.op import Op

_MOVES = (
    *("Identity", "CastLike", "Dropout", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"),
    *("Expand", "Tile", "DepthToSpace", "SpaceToDepth", "Slice", "Split", "Concat", "MaxPool"),
    *("GlobalMaxPool", "GlobalAveragePool", "ReduceMean", "ReduceMax", "AveragePool", "Cast"),
    "Pad",
)
_MAKES = (
    *("MatMul", "Gather", "BatchNormalization", "LayerNormalization", "InstanceNormalization"),
    *("GroupNormalization", "RMSNormalization", "SimplifiedLayerNormalization"),
    *("Relu", "LeakyRelu", "PRelu", "Clip", "Elu", "Celu", "Selu", "Gelu", "Mish", "HardSwish"),
    *("Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Abs", "Sqrt", "Erf"),
)
_BIASES = ("Conv", "ConvTranspose", "Gemm")
_JOINS = ("Add", "Mul", "Sum")
_CARE = {
    kind: care
    for kinds, care in (
        (_MOVES, Care.MOVES),
        (_MAKES, Care.MAKES),
        (_BIASES, Care.BIASES),
        (_JOINS, Care.JOINS),
    )
    for kind in kinds
}
_FLOATS = frozenset({1, 10, 11, 16})
"""Numbers of ONNX's types float32, float16, float64 and bfloat16."""


def care_of(op: Op) -> Care:
    """What an operator does, by its kind and attributes."""
    node = op.node
    care = _CARE.get(node.kind, Care.ALTERS) if not node.domain else Care.ALTERS
    if op.is_taken_in:
        return Care.MOVES
    if care is Care.BIASES and (op.count < 3 or op.at(2) is None):
        care = Care.MAKES
    return Care.ALTERS if _is_odd(op) else care


def _is_odd(op: Op) -> bool:
    """Whether attributes make an operator something else."""
    node = op.node
    if node.kind == "Gemm":
        return node.real("alpha", 1.0) != 1 or node.real("beta", 1.0) != 1
    if node.kind == "BatchNormalization":
        return bool(node.integer("training_mode", 0))
    if node.kind == "Cast":
        return node.integer("to", 0) not in _FLOATS
    if node.kind == "AveragePool":
        padded = any(node.integers("pads") or ()) or node.string("auto_pad", "").startswith("SAME")
        return padded and bool(node.integer("count_include_pad", 0))
    if node.kind == "Pad":
        return any(op.integers("pads", 1) or op.integers("paddings") or ())
    return False
