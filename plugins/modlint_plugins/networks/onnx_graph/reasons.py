"""Why an operator stops the builder, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

_RECURRENT = "is a recurrent layer ({op}), which modlint does not rebuild yet"
_ATTENTION = "is an attention layer ({op}), which modlint does not rebuild yet"
_CONTROL = "is control flow ({op}), which modlint does not follow"
_QUANTISED = "computes with quantised numbers ({op}), which modlint does not rebuild yet"
_SELECTS = "picks out part of its input ({op}), which modlint does not rebuild yet"
_REARRANGES = "moves channels into positions or back ({op}), which modlint does not rebuild yet"

BARRIERS: Mapping[str, str] = {
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _RECURRENT),
    **dict.fromkeys(("Attention", "LinearAttention", "RotaryEmbedding"), _ATTENTION),
    **dict.fromkeys(("If", "Loop", "Scan", "SequenceMap"), _CONTROL),
    **dict.fromkeys(
        (
            "QuantizeLinear",
            "DequantizeLinear",
            "DynamicQuantizeLinear",
            "QLinearConv",
            "QLinearMatMul",
            "ConvInteger",
            "MatMulInteger",
        ),
        _QUANTISED,
    ),
    "Einsum": "is a general tensor product (Einsum), which modlint does not rebuild yet",
    "DeformConv": "is a deformable convolution (DeformConv), which modlint does not rebuild yet",
}
"""Operators that hold weights or compute with branches: no network goes past them."""

_OTHERS: Mapping[str, str] = {
    **dict.fromkeys(("Slice", "GatherND", "GatherElements", "Compress"), _SELECTS),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth", "Col2Im"), _REARRANGES),
    "Gather": "picks entries out of its input, or looks up an embedding (Gather), "
    "which modlint does not rebuild yet",
    "Split": "splits its input into branches (Split), which modlint does not rebuild yet",
}

WEIGHTED = frozenset(
    {"Gemm", "MatMul", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "If", "Loop", "Scan"}
)
"""Operators that are layers, or hold some."""

TYING = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Sum", "Mean", "Max", "Min", "MatMul", "Gemm", "Where"}
)
"""Operators that make neurons of several branches depend on one another entry by entry."""

BRANCHES: Mapping[str, str] = {
    "Add": "adds two branches (Add); residual networks are not rebuilt yet",
    "Concat": "joins branches (Concat), which modlint does not rebuild yet",
    "Sum": "adds branches (Sum); residual networks are not rebuilt yet",
    "Mul": "multiplies two branches (Mul); gates are not rebuilt yet",
    "MatMul": "multiplies two branches (MatMul); attention is not rebuilt yet",
    "Gemm": "multiplies two branches (Gemm), which modlint does not rebuild yet",
    "Conv": "takes its kernel from the input (Conv), which modlint does not rebuild yet",
    "ConvTranspose": "takes its kernel from the input (ConvTranspose), "
    "which modlint does not rebuild yet",
}


def problem(op: str, domain: str) -> str:
    """What to say of an operator without a handler."""
    if domain:
        return f"is {domain}.{op}, which is not one of ONNX's own operators"
    text = BARRIERS.get(op) or _OTHERS.get(
        op, "is {op}, an operator that modlint does not rebuild yet"
    )
    return text.format(op=op)


def branches(op: str) -> str:
    """What to say of an operator that combines activations of several branches."""
    return BRANCHES.get(op, f"combines two branches ({op}), which modlint does not rebuild yet")
