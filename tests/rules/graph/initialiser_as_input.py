"""Cases of GRF009."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnx_models import model, node, value
from planted import Write, exported, found, onnx_file, silent, torch_file
from torch import nn

GENERATOR = np.random.default_rng(0)


def listed(made: onnx.ModelProto, names: Iterable[str], ir: int = 8) -> Write:
    """A model some of whose initialisers are inputs too."""
    made.ir_version = ir
    for tensor in made.graph.initializer:
        if tensor.name in set(names):
            made.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return onnx_file(made)


def weights(name: str, *shape: int, dtype: Any = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(GENERATOR.normal(size=shape).astype(dtype), name)


def mlp(dtype: Any = np.float32) -> onnx.ModelProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return model(
        node("MatMul", "x w1", "h"),
        node("Add", "h b1", "i"),
        node("Relu", "i", "j"),
        node("Gemm", "j w2 b2", "y"),
        inputs=[value("x", kind, ("n", 8))],
        outputs=[value("y", kind, ("n", 4))],
        tensors=[
            weights("w1", 8, 16, dtype=dtype),
            weights("b1", 16, dtype=dtype),
            weights("w2", 16, 4, dtype=dtype),
            weights("b2", 4, dtype=dtype),
        ],
    )


def lstm() -> onnx.ModelProto:
    return model(
        node("LSTM", "x w r - - h c", "y", hidden_size=4),
        inputs=[value("x", shape=("t", 1, 3))],
        outputs=[value("y", shape=("t", 1, 1, 4))],
        tensors=[
            weights("w", 1, 16, 3),
            weights("r", 1, 16, 4),
            weights("h", 1, 1, 4),
            weights("c", 1, 1, 4),
        ],
    )


def scaled(elements: int = 1) -> onnx.ModelProto:
    return model(
        node("Mul", "x k", "h"),
        node("MatMul", "h w", "y"),
        inputs=[value("x", shape=("n", 8))],
        outputs=[value("y", shape=("n", 8))],
        tensors=[weights("k", elements), weights("w", 8, 8)],
    )


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    ).eval()


def recurrent() -> nn.Module:
    torch.manual_seed(0)
    return nn.GRU(3, 4)


ALL = ("w1", "b1", "w2", "b2")
IMAGE = torch.ones(1, 1, 8, 8)
OLD: dict[str, Any] = {"dynamo": False, "keep_initializers_as_inputs": True}

PLANTED = (
    *(found(f"all, IR {ir}", listed(mlp(), ALL, ir), "note") for ir in range(4, 11)),
    *(
        found(f"all, {dtype.__name__}", listed(mlp(dtype), ALL), "note")
        for dtype in (np.float16, np.float64)
    ),
    *(found(f"{name} alone", listed(mlp(), (name,)), "note") for name in ("w1", "w2")),
    found("all but one", listed(mlp(), ALL[:3]), "note"),
    found("a weight and a bias", listed(mlp(), ("w2", "b2")), "note"),
    found("weights of an LSTM", listed(lstm(), ("w", "r")), "note"),
    found("one weight of an LSTM", listed(lstm(), ("r",)), "note"),
    found("a weight beside a default", listed(scaled(), ("k", "w")), "note"),
    found("the TorchScript exporter", exported(net(), IMAGE, **OLD), "note"),
    found(
        "the TorchScript exporter, opset 11",
        exported(net(), IMAGE, opset_version=11, **OLD),
        "note",
    ),
    found(
        "the TorchScript exporter, unfolded",
        exported(net(), IMAGE, do_constant_folding=False, **OLD),
        "note",
    ),
    found(
        "the TorchScript exporter, recurrent",
        exported(recurrent(), torch.ones(5, 1, 3), **OLD),
        "note",
    ),
)

NEAR_MISSES = (
    *(silent(f"none, IR {ir}", listed(mlp(), (), ir)) for ir in (4, 7, 8, 10)),
    *(
        silent(f"all, where they must be, IR {ir}", listed(mlp(), ALL, ir), "not-applicable")
        for ir in (1, 2, 3)
    ),
    *(
        silent(f"{dtype.__name__}, none", listed(mlp(dtype), ()))
        for dtype in (np.float16, np.float64)
    ),
    silent("a default of one element", listed(scaled(), ("k",))),
    silent("a default of several elements", listed(scaled(8), ("k",))),
    silent("initial states of an LSTM", listed(lstm(), ("h", "c"))),
    silent("one initial state of an LSTM", listed(lstm(), ("h",))),
    silent("a bias alone", listed(mlp(), ("b2",))),
    silent("a bias of the first layer alone", listed(mlp(), ("b1",))),
    silent("no initialiser", onnx_file(model(node("Relu", "x", "y")))),
    silent(
        "a weight that the caller gives",
        onnx_file(model(node("MatMul", "x w", "y"), inputs=[value("x"), value("w", shape=(3, 3))])),
    ),
    silent(
        "a weight that a Constant gives",
        onnx_file(
            model(node("Constant", "", "w", value=weights("w", 3, 3)), node("MatMul", "x w", "y"))
        ),
    ),
    silent("the TorchScript exporter", exported(net(), IMAGE, dynamo=False)),
    silent(
        "the TorchScript exporter, recurrent",
        exported(recurrent(), torch.ones(5, 1, 3), dynamo=False),
    ),
    silent("the dynamo exporter", exported(net(), IMAGE, dynamo=True)),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
