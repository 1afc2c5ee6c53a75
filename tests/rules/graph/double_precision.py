"""Cases of GRF011."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from onnx_models import CONDITION, branch, choice, function, model, node, value
from planted import Write, exported, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

KINDS = {
    np.float64: TensorProto.DOUBLE,
    np.float32: TensorProto.FLOAT,
    np.float16: TensorProto.FLOAT16,
}


def weights(name: str, *shape: int, dtype: Any = np.float64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def layer(*shape: int, dtype: Any = np.float64) -> Write:
    made = model(
        node("MatMul", "x w", "y"),
        inputs=[value("x", KINDS[dtype], ("n", shape[0]))],
        outputs=[value("y", KINDS[dtype], ("n", shape[1]))],
        tensors=[weights("w", *shape, dtype=dtype)],
    )
    return onnx_file(made)


def cast(op: str, other: Any, *shape: int) -> Write:
    """A table of float64 that is cast to the type in which the rest computes."""
    made = model(
        node("Cast", "k", "f", to=KINDS[other]),
        node(op, "x f", "h"),
        node("MatMul", "h w", "y"),
        inputs=[value("x", KINDS[other], shape)],
        outputs=[value("y", KINDS[other], shape)],
        tensors=[weights("k", *shape), weights("w", shape[-1], shape[-1], dtype=other)],
    )
    return onnx_file(made)


def given_by_a_node(*shape: int, dtype: Any = np.float64) -> Write:
    made = model(
        node("Constant", "", "k", value=weights("k", *shape, dtype=dtype)),
        node("Add", "x k", "y"),
        inputs=[value("x", KINDS[dtype], shape)],
        outputs=[value("y", KINDS[dtype], shape)],
    )
    return onnx_file(made)


def within(what: str, elements: int) -> Write:
    ends: dict[str, Any] = {
        "inputs": [value("x", TensorProto.DOUBLE, (elements,))],
        "outputs": [value("y", TensorProto.DOUBLE, (elements,))],
    }
    if what == "branch":
        then = branch(node("Add", "x k", "b"), initializer=[weights("k", elements)])
        return onnx_file(model(choice(then), tensors=[CONDITION], **ends))
    added = function(
        node("Constant", "", "k", value=weights("k", elements)), node("Add", "a k", "b")
    )
    return onnx_file(
        model(node("f", "x", "y", domain="own"), functions=[added], opsets={"own": 1}, **ends)
    )


def net(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 3)).to(dtype)


class Table(nn.Module):
    """Numbers that NumPy made, beside a layer."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(40, 40)
        self.register_buffer(
            "table", torch.from_numpy(np.linspace(0, 1, 1600, dtype=dtype).reshape(40, 40))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + (self.table[:1] * x).float()


X = torch.ones(2, 40)

PLANTED = (
    *(
        found(f"a layer of {rows} by {columns}", layer(rows, columns), "note")
        for rows, columns in ((32, 32), (64, 16), (1024, 1), (1, 1024), (100, 100))
    ),
    *(
        found(f"a table for {op} in {other.__name__}", cast(op, other, 32, 32), "note")
        for op in ("Add", "Mul", "Sub", "Div")
        for other in (np.float32, np.float16)
    ),
    Case(
        "in a graph of float32",
        cast("Add", np.float32, 40, 40),
        (
            Expected(
                "fail",
                "note",
                values={"constants": 1},
                message="in a graph that else computes in less",
            ),
        ),
    ),
    Case("throughout", layer(40, 40), (Expected("fail", "note", message="throughout the graph"),)),
    found("a Constant's", given_by_a_node(32, 32), "note"),
    found("in a branch", within("branch", 2000), "note"),
    found("in a function", within("function", 2000), "note"),
    found("few, and not allowed", layer(4, 4), "note", min_elements=16),
    found(
        "a double network, the TorchScript exporter",
        exported(net(torch.float64), X.double(), dynamo=False),
        "note",
    ),
    found(
        "a table of NumPy's, the TorchScript exporter",
        exported(Table(np.float64), X, dynamo=False, do_constant_folding=False),
        "note",
    ),
    found(
        "a table of NumPy's, the dynamo exporter",
        exported(Table(np.float64), X, dynamo=True, optimize=False),
        "note",
    ),
)

NEAR_MISSES = (
    *(
        silent(f"a layer of float32, {rows} by {columns}", layer(rows, columns, dtype=np.float32))
        for rows, columns in ((32, 32), (100, 100), (1024, 1))
    ),
    *(
        silent(f"a layer of float16, {rows} by {columns}", layer(rows, columns, dtype=np.float16))
        for rows, columns in ((32, 32), (100, 100))
    ),
    *(
        silent(f"few, {rows} by {columns}", layer(rows, columns))
        for rows, columns in ((1, 1), (4, 4), (31, 33), (1, 1023))
    ),
    *(
        silent(f"a small table in {other.__name__}", cast("Add", other, 8, 8))
        for other in (np.float32, np.float16)
    ),
    silent("a Constant of float32", given_by_a_node(32, 32, dtype=np.float32)),
    silent("a small Constant", given_by_a_node(2, 3)),
    silent("few in a branch", within("branch", 500)),
    silent("few in a function", within("function", 500)),
    silent("many, and allowed", layer(40, 40), min_elements=2000),
    silent(
        "whole numbers of 64 bits",
        onnx_file(
            model(
                node("Gather", "k x", "y"),
                inputs=[value("x", TensorProto.INT64)],
                outputs=[value("y", TensorProto.INT64)],
                tensors=[numpy_helper.from_array(np.arange(5000), "k")],
            )
        ),
    ),
    silent(
        "an input of float64",
        onnx_file(model(node("Cast", "x", "y", to=1), inputs=[value("x", TensorProto.DOUBLE)])),
    ),
    silent("a network, the TorchScript exporter", exported(net(torch.float32), X, dynamo=False)),
    silent(
        "a table of float32, the TorchScript exporter", exported(Table(np.float32), X, dynamo=False)
    ),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
