"""What numpy computes of small constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modlint_plugins.networks.onnx_graph.static import Array

TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
"""numpy's names of TensorProto's element types."""


def _divide(a: Array, b: Array) -> Array:
    return np.floor_divide(a, b) if a.dtype.kind in "iu" else np.divide(a, b)


ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divide, "Pow": np.power,
    "Max": lambda *a: np.max(np.stack(np.broadcast_arrays(*a)), 0),
    "Min": lambda *a: np.min(np.stack(np.broadcast_arrays(*a)), 0),
    "Sum": lambda *a: np.sum(np.stack(np.broadcast_arrays(*a)), 0),
    "Mean": lambda *a: np.mean(np.stack(np.broadcast_arrays(*a)), 0),
    "Mod": np.mod, "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "Not": np.logical_not, "Equal": np.equal, "Greater": np.greater, "Less": np.less,
    "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "Where": np.where,
    "Neg": np.negative, "Abs": np.abs, "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log,
    "Floor": np.floor, "Ceil": np.ceil, "Round": np.round, "Sign": np.sign, "Sin": np.sin,
    "Cos": np.cos, "Reciprocal": np.reciprocal, "Tanh": np.tanh, "Relu": lambda a: np.maximum(a, 0),
    "Sigmoid": lambda a: 1 / (1 + np.exp(-a)), "CastLike": lambda a, b: a.astype(b.dtype),
}  # fmt: skip
POINTWISE = frozenset(
    {"Softmax", "LogSoftmax", "Erf", "Gelu", "Softplus", "LeakyRelu", "Elu", "Selu", "PRelu"}
    | {"HardSigmoid", "HardSwish", "Mish", "Softsign", "Trilu", "LpNormalization", "CumSum"}
    | {"Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "IsNaN", "IsInf", "BitShift"}
    | {"BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"}
)
"""Operators whose result has the shape of what they read, and is not computed."""

REDUCTIONS: Mapping[str, Callable[..., Any]] = {
    "ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceMin": np.min,
    "ReduceProd": np.prod,
}  # fmt: skip
