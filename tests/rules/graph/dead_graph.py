"""Cases of GRF002."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx_models import (
    CONDITION,
    OTHER,
    branch,
    choice,
    function,
    model,
    node,
    sparse_tensor,
    value,
)
from planted import exported, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

GENERATOR = np.random.default_rng(0)


def weights(name: str, *shape: int, dtype: Any = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(GENERATOR.normal(size=shape).astype(dtype), name)


def copied(tensor: onnx.TensorProto, name: str, transposed: bool = False) -> onnx.TensorProto:
    values = numpy_helper.to_array(tensor)
    return numpy_helper.from_array(np.ascontiguousarray(values.T if transposed else values), name)


def two_layers(first: onnx.TensorProto, second: onnx.TensorProto, **rest: Any) -> onnx.ModelProto:
    rows, columns = first.dims[0], second.dims[1]
    return model(
        node("MatMul", "x a", "h"),
        node("MatMul", "h b", "y"),
        inputs=[value("x", shape=("n", rows))],
        outputs=[value("y", shape=("n", columns))],
        tensors=[first, second],
        **rest,
    )


def with_idle(*idle: onnx.TensorProto, used: int = 40) -> onnx.ModelProto:
    return model(
        node("MatMul", "x w", "y"),
        inputs=[value("x", shape=("n", used))],
        outputs=[value("y", shape=("n", used))],
        tensors=[weights("w", used, used), *idle],
    )


def annotated() -> onnx.ModelProto:
    made = with_idle(weights("scale", 60, 60))
    entry = made.graph.quantization_annotation.add(tensor_name="w")
    entry.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="scale")
    return made


def idle_constant(elements: int) -> onnx.ModelProto:
    return model(node("Constant", "", "k", value=weights("k", elements)), node("Relu", "x", "y"))


class Tied(nn.Module):
    def __init__(self, tied: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head = nn.Embedding(64, 32), nn.Linear(32, 64, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(ids).relu())


W = weights("a", 48, 48)
DTYPES = (np.float16, np.float32, np.float64)
RELU = node("Relu", "x", "y")
IDS = torch.zeros(1, 3, dtype=torch.int64)

PLANTED = (
    found("a node that nothing reads", onnx_file(model(RELU, node("Abs", "x", "z"))), "note"),
    Case(
        "a chain that ends nowhere",
        onnx_file(model(RELU, node("Abs", "x", "z"), node("Neg", "z", "u"), node("Exp", "u", "v"))),
        (Expected("fail", "note", values={"nodes": 3}, message="no output depends on 3 nodes"),),
    ),
    found("a shape that nothing needs", onnx_file(model(RELU, node("Shape", "x", "z"))), "note"),
    found(
        "an idle node in a branch",
        onnx_file(
            model(
                choice(branch(node("Abs", "x", "z"), node("Relu", "x", "b"))), tensors=[CONDITION]
            )
        ),
        "note",
    ),
    found(
        "an idle branch",
        onnx_file(
            model(
                RELU,
                node("If", "c", "z", then_branch=OTHER, else_branch=OTHER),
                tensors=[CONDITION],
            )
        ),
        "note",
    ),
    found(
        "an idle node in a function",
        onnx_file(
            model(
                node("f", "x", "y", domain="own"),
                functions=[function(node("Abs", "a", "z"), node("Relu", "a", "b"))],
                opsets={"own": 1},
            )
        ),
        "note",
    ),
    Case(
        "a function that nothing calls",
        onnx_file(model(RELU, functions=[function(node("Relu", "a", "b"))], opsets={"own": 1})),
        (Expected("fail", "note", values={"functions": 1}, message="nothing calls function 'f'"),),
    ),
    *(
        found(
            f"an idle initialiser of {dtype.__name__}",
            onnx_file(with_idle(weights("i", 60, 60, dtype=dtype))),
            "note",
        )
        for dtype in DTYPES
    ),
    found(
        "idle initialisers, small each",
        onnx_file(with_idle(*(weights(f"i{i}", 300) for i in range(5)))),
        "note",
    ),
    found("an idle constant of a node", onnx_file(idle_constant(2000)), "note"),
    found(
        "what only an idle node reads",
        onnx_file(model(RELU, node("MatMul", "x i", "z"), tensors=[weights("i", 3, 600)])),
        "note",
    ),
    *(
        found(
            f"a tied weight, transposed, {dtype.__name__}",
            onnx_file(
                two_layers(
                    weight := weights("a", 48, 64, dtype=dtype),
                    copied(weight, "b", transposed=True),
                )
            ),
            "note",
        )
        for dtype in DTYPES
    ),
    found("a weight held twice", onnx_file(two_layers(W, copied(W, "b"))), "note"),
    Case(
        "tied weights, the TorchScript exporter",
        exported(Tied(tied=True), IDS, dynamo=False),
        (Expected("fail", "note", message="transposed a second time"),),
    ),
    found("less than may be", onnx_file(with_idle(weights("i", 30, 30))), "note", max_bytes=100),
    found(
        "a larger share than may be",
        onnx_file(with_idle(weights("i", 40, 40), used=400)),
        "note",
        max_share=0.005,
    ),
)

PLANTED = (
    *PLANTED,
    found("tied weights, the dynamo exporter", exported(Tied(tied=True), IDS, dynamo=True), "note"),
)

NEAR_MISSES = (
    silent("every node is needed", onnx_file(model(node("Abs", "x", "h"), node("Relu", "h", "y")))),
    silent(
        "an output that nothing reads but the caller",
        onnx_file(model(node("Abs", "x", "h"), RELU, outputs=[value("y"), value("h")])),
    ),
    silent(
        "an output of several that is not read",
        onnx_file(model(node("Split", "x", "y z", axis=1, num_outputs=2), opset=18)),
    ),
    silent(
        "a node that gives nothing",
        onnx_file(model(RELU, node("Log", "x", "", domain="own"), opsets={"own": 1})),
    ),
    silent(
        "what a branch reads",
        onnx_file(
            model(
                node("Abs", "x", "h"), choice(branch(node("Relu", "h", "b"))), tensors=[CONDITION]
            )
        ),
    ),
    silent(
        "what only a branch of a branch reads",
        onnx_file(
            model(
                node("Abs", "x", "h"),
                choice(
                    branch(
                        node(
                            "If",
                            "c",
                            "b",
                            then_branch=branch(node("Relu", "h", "k"), outputs="k"),
                            else_branch=branch(node("Neg", "h", "k"), outputs="k"),
                        )
                    )
                ),
                tensors=[CONDITION],
            )
        ),
    ),
    silent(
        "an initialiser that is an output",
        onnx_file(
            model(
                RELU,
                outputs=[value("y"), value("i", shape=(60, 60))],
                tensors=[weights("i", 60, 60)],
            )
        ),
    ),
    silent("a small idle initialiser", onnx_file(with_idle(weights("i", 30, 30)))),
    silent("a small share that is idle", onnx_file(with_idle(weights("i", 40, 40), used=500))),
    silent("a small idle constant of a node", onnx_file(idle_constant(4))),
    silent("what quantisation annotates", onnx_file(annotated())),
    silent("different weights of one shape", onnx_file(two_layers(W, weights("b", 48, 48)))),
    silent(
        "weights that differ in one element",
        onnx_file(
            two_layers(
                W,
                numpy_helper.from_array(
                    numpy_helper.to_array(W) + np.eye(48, dtype=np.float32) * (np.arange(48) == 47),
                    "b",
                ),
            )
        ),
    ),
    silent(
        "weights of one value",
        onnx_file(
            two_layers(
                numpy_helper.from_array(np.ones((48, 48), np.float32), "a"),
                numpy_helper.from_array(np.ones((48, 48), np.float32), "b"),
            )
        ),
    ),
    silent(
        "a small weight held twice",
        onnx_file(two_layers(small := weights("a", 8, 8), copied(small, "b"))),
    ),
    silent(
        "a function that a function calls",
        onnx_file(
            model(
                node("g", "x", "y", domain="own"),
                functions=[
                    function(node("Relu", "a", "b")),
                    function(node("f", "a", "b", domain="own"), name="g"),
                ],
                opsets={"own": 1},
            )
        ),
    ),
    silent(
        "one weight that two nodes read",
        onnx_file(
            model(
                node("MatMul", "x a", "h"),
                node("MatMul", "h a", "y"),
                inputs=[value("x", shape=(2, 48))],
                outputs=[value("y", shape=(2, 48))],
                tensors=[W],
            )
        ),
    ),
    silent(
        "bias vectors alike",
        onnx_file(
            model(
                node("Add", "x a", "h"),
                node("Add", "h b", "y"),
                inputs=[value("x", shape=(2, 2000))],
                outputs=[value("y", shape=(2, 2000))],
                tensors=[bias := weights("a", 2000), copied(bias, "b")],
            )
        ),
    ),
    silent(
        "more than may be, and allowed", onnx_file(with_idle(weights("i", 60, 60))), max_bytes=20000
    ),
    silent(
        "weights apart, the TorchScript exporter", exported(Tied(tied=False), IDS, dynamo=False)
    ),
    silent("weights apart, the dynamo exporter", exported(Tied(tied=False), IDS, dynamo=True)),
)


def sparse_read() -> onnx.ModelProto:
    made = model(node("MatMul", "x w", "y"))
    made.graph.sparse_initializer.append(sparse_tensor([0, 4]))
    return made


CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a sparse initialiser that is read", onnx_file(sparse_read())),
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
