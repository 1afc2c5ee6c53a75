"""Operators that the exporter by tracing lacks, and that transformers' masks and torch have."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch.onnx import register_custom_op_symbolic, symbolic_helper

OPSET = 17


@cache
def register() -> None:
    """Teach them to `torch.onnx.export(dynamo=False)`."""
    register_custom_op_symbolic("aten::diff", _diff, OPSET)
    register_custom_op_symbolic("aten::channel_shuffle", _channel_shuffle, OPSET)


def _diff(g: Any, x: Any, n: Any, dim: Any, prepend: Any = None, append: Any = None) -> Any:
    axis = symbolic_helper._get_const(dim, "i", "dim")
    if prepend is not None and not symbolic_helper._is_none(prepend):
        x = g.op("Concat", prepend, x, axis_i=axis)
    later = symbolic_helper._slice_helper(g, x, axes=[axis], starts=[1], ends=[2**31 - 1])
    earlier = symbolic_helper._slice_helper(g, x, axes=[axis], starts=[0], ends=[-1])
    return g.op("Sub", later, earlier)


def _channel_shuffle(g: Any, x: Any, groups: Any) -> Any:
    count = symbolic_helper._get_const(groups, "i", "groups")
    shape = symbolic_helper._get_tensor_sizes(x)
    split = [shape[0], count, shape[1] // count, *shape[2:]]
    order = [0, 2, 1, *range(3, len(split))]
    parts = g.op("Reshape", x, g.op("Constant", value_t=torch.tensor(split)))
    turned = g.op("Transpose", parts, perm_i=order)
    return g.op("Reshape", turned, g.op("Constant", value_t=torch.tensor(shape)))
