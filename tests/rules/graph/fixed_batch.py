"""Cases of GRF010."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from onnx_models import array, model, node, value
from planted import Write, exported, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

INT = TensorProto.INT64


def graph(
    *nodes: Any, shape: tuple[Any, ...] = ("n", 64), out: tuple[Any, ...] = ("n", 64), **rest: Any
) -> Write:
    lists = {name: array(name, *sizes) for name, sizes in rest.pop("lists", {}).items()}
    tensors = [*lists.values(), *rest.pop("tensors", ())]
    kind = rest.pop("kind", TensorProto.FLOAT)
    ends = [value("x", kind, shape)], [value("y", shape=out)]
    return onnx_file(model(*nodes, inputs=ends[0], outputs=ends[1], tensors=tensors, **rest))


def reshaped(
    *target: int, shape: tuple[Any, ...] = ("n", 64), out: tuple[Any, ...] = ("n", 64)
) -> Write:
    return graph(node("Reshape", "x s", "y"), lists={"s": target}, shape=shape, out=out)


def weight(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def after(*nodes: Any, **rest: Any) -> Write:
    """Nodes from x to h, and a Reshape of h to one image."""
    rest = {"shape": ("n", 4, 8, 8), "out": (1, 256), "lists": {"s": (1, 256)}, **rest}
    return graph(*nodes, node("Reshape", "h s", "y"), **rest)


class View(nn.Module):
    """Flattens by a number or by the input's own size."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc, self.fixed = nn.Conv2d(1, 2, 3), nn.Linear(72, 4), fixed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv(x).relu()
        return self.fc(h.view(1, -1) if self.fixed else h.flatten(1))


class Scores(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, d = x.shape
        heads = x.view(b, t, 4, d // 4).transpose(1, 2)
        mixed = (heads @ heads.transpose(2, 3)).softmax(-1) @ heads
        return mixed.transpose(1, 2).reshape(b, t, d)


FREE: dict[str, Any] = {
    "dynamo": False,
    "input_names": ["x"],
    "output_names": ["y"],
    "dynamic_axes": {"x": {0: "n"}, "y": {0: "n"}},
}
FREE_DYNAMO: dict[str, Any] = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("n")},)}
IMAGE, WORDS = torch.ones(1, 1, 8, 8), torch.ones(2, 6, 16)
KERNEL = weight("k", 4, 4, 1, 1)
IMAGES: dict[str, Any] = {"shape": ("n", 4, 8, 8), "out": ("n", 4, 8, 8)}

PLANTED = (
    Case(
        "a number where the batch stood",
        reshaped(1, 64),
        (Expected("fail", "warning", values={"input": "x", "target": [1, 64]}, message="'n'"),),
    ),
    found("a batch without a name", reshaped(1, 64, shape=(None, 64)), "warning"),
    found("more axes", reshaped(1, 8, 8, out=(1, 8, 8)), "warning"),
    found("fewer axes", reshaped(64, out=(64,)), "warning"),
    found("a batch of eight", reshaped(8, 64), "warning"),
    found("images", reshaped(1, 256, shape=("n", 4, 8, 8)), "warning"),
    found(
        "a shape that a Constant gives",
        graph(node("Constant", "", "s", value=array("s", 1, 64)), node("Reshape", "x s", "y")),
        "warning",
    ),
    found(
        "a shape that a Constant gives as a list",
        graph(node("Constant", "", "s", value_ints=[1, 64]), node("Reshape", "x s", "y")),
        "warning",
    ),
    found(
        "a shape put together",
        graph(
            node("Concat", "a b", "s", axis=0),
            node("Reshape", "x s", "y"),
            lists={"a": (1,), "b": (64,)},
        ),
        "warning",
    ),
    found(
        "a shape of opset 1", graph(node("Reshape", "x", "y", shape=[1, 64]), opset=1), "warning"
    ),
    *(
        found(
            f"behind {first.op_type}",
            after(first, tensors=[KERNEL, weight("c", 4, 1, 1)]),
            "warning",
        )
        for first in (
            node("Conv", "x k", "h"),
            node("Relu", "x", "h"),
            node("Add", "x c", "h"),
            node("Mul", "c x", "h"),
            node("MaxPool", "x", "h", kernel_shape=[1, 1]),
            node("Softmax", "x", "h", axis=1),
            node("Cast", "x", "h", to=1),
            node("Flatten", "x", "h"),
            node("Transpose", "x", "h", perm=[0, 2, 3, 1]),
        )
    ),
    found(
        "behind a sum of two inputs' parts",
        after(
            node("Split", "x", "p q", axis=1, num_outputs=2),
            node("Concat", "q p", "h", axis=1),
            opset=18,
        ),
        "warning",
    ),
    found(
        "behind a mean",
        after(node("ReduceMean", "x", "h", axes=[2, 3]), lists={"s": (1, 4)}, out=(1, 4)),
        "warning",
    ),
    found(
        "behind an embedding",
        graph(
            node("Gather", "t x", "h"),
            node("Reshape", "h s", "y"),
            kind=INT,
            shape=("n", 6),
            out=(1, 18),
            tensors=[weight("t", 9, 3)],
            lists={"s": (1, 18)},
        ),
        "warning",
    ),
    found(
        "behind an LSTM",
        graph(
            node("Transpose", "x", "t", perm=[1, 0, 2]),
            node("LSTM", "t w r", "o e", hidden_size=2),
            node("Reshape", "e s", "y"),
            shape=("n", 5, 3),
            out=(1, 2),
            tensors=[weight("w", 1, 8, 3), weight("r", 1, 8, 2)],
            lists={"s": (1, 2)},
        ),
        "warning",
    ),
    found(
        "behind a Gemm",
        graph(
            node("Gemm", "x w", "h"),
            node("Reshape", "h s", "y"),
            tensors=[weight("w", 64, 64)],
            out=(1, 8, 8),
            lists={"s": (1, 8, 8)},
        ),
        "warning",
    ),
    found(
        "mixed into what a MatMul sums over",
        graph(
            node("Reshape", "x s", "h"),
            node("MatMul", "h w", "y"),
            out=(1, 3),
            shape=("n", 4, 16),
            tensors=[weight("w", 64, 3)],
            lists={"s": (1, -1)},
        ),
        "warning",
    ),
    found(
        "mixed into the channels of a Conv",
        graph(
            node("Reshape", "x s", "h"),
            node("Conv", "h k", "y"),
            out=(1, 4, 8, 8),
            shape=("n", 4, 8, 8),
            tensors=[KERNEL],
            lists={"s": (1, -1, 8, 8)},
        ),
        "warning",
    ),
    found("an output of one row that says n", reshaped(1, -1, out=("n", 64)), "warning"),
    found(
        "a batch that is squeezed away",
        graph(node("Squeeze", "x a", "y"), lists={"a": (0,)}, out=(64,)),
        "warning",
    ),
    found(
        "a batch that is squeezed away, by an attribute",
        graph(node("Squeeze", "x", "y", axes=[0]), opset=11, out=(64,)),
        "warning",
    ),
    found(
        "view(1, -1), the TorchScript exporter",
        exported(View(fixed=True), IMAGE, **FREE),
        "warning",
    ),
)

NEAR_MISSES = (
    silent("the batch by -1", reshaped(-1, 64)),
    silent("the batch by 0", reshaped(0, 64)),
    silent("the batch by 0, the rest by -1", reshaped(0, -1)),
    silent("a batch that is fixed", reshaped(1, 64, shape=(1, 64)), "not-applicable"),
    silent("a batch of eight that is fixed", reshaped(8, 64, shape=(8, 64)), "not-applicable"),
    silent("another free axis", reshaped(1, -1, shape=(1, "t")), "not-applicable"),
    silent(
        "a weight that is reshaped",
        graph(
            node("Reshape", "w s", "v"),
            node("MatMul", "x v", "y"),
            tensors=[weight("w", 64, 64)],
            lists={"s": (64, 64)},
        ),
    ),
    silent(
        "a bias that gets a batch of 1",
        graph(
            node("Reshape", "b s", "c"),
            node("Add", "x c", "y"),
            tensors=[weight("b", 64)],
            lists={"s": (1, 64)},
        ),
    ),
    silent(
        "a mask of one row",
        graph(
            node("Reshape", "m s", "c"),
            node("Add", "x c", "y"),
            lists={"s": (1, 64)},
            tensors=[weight("m", 8, 8)],
        ),
    ),
    silent(
        "a shape that is reshaped",
        graph(
            node("Shape", "x", "z"),
            node("Reshape", "z s", "q"),
            node("ConstantOfShape", "q", "h"),
            node("Add", "x h", "y"),
            lists={"s": (2,)},
        ),
    ),
    silent(
        "a mean over the batch",
        graph(
            node("ReduceMean", "x", "h", axes=[0]),
            node("Reshape", "h s", "y"),
            lists={"s": (1, 64)},
            out=(1, 64),
        ),
    ),
    silent(
        "the first of the batch",
        graph(
            node("Gather", "x i", "h"),
            node("Reshape", "h s", "y"),
            lists={"s": (1, 64)},
            tensors=[numpy_helper.from_array(np.array(0), "i")],
            out=(1, 64),
        ),
    ),
    silent(
        "a slice of the batch",
        graph(
            node("Slice", "x b e a", "h"),
            node("Reshape", "h s", "y"),
            lists={"b": (0,), "e": (1,), "a": (0,), "s": (1, 64)},
            out=(1, 64),
        ),
    ),
    silent(
        "a new first axis",
        graph(node("Unsqueeze", "x a", "y"), lists={"a": (0,)}, out=(1, "n", 64)),
    ),
    silent(
        "an axis of 1 that is squeezed",
        graph(node("Squeeze", "x a", "y"), lists={"a": (1,)}, shape=("n", 1, 64)),
    ),
    silent("samples that get a batch", reshaped(1, -1, shape=("samples",), out=(1, "samples"))),
    silent(
        "channels mixed with the batch and put back",
        graph(
            node("Reshape", "x s", "h"),
            node("Relu", "h", "i"),
            node("Reshape", "i t", "y"),
            lists={"s": (1, -1, 8, 8), "t": (-1, 4, 8, 8)},
            **IMAGES,
        ),
    ),
    silent(
        "the batch's own size",
        graph(
            node("Shape", "x", "z"),
            node("Gather", "z i", "g"),
            node("Unsqueeze", "g i1", "u"),
            node("Concat", "u c", "s", axis=0),
            node("Reshape", "x s", "y"),
            lists={"i1": (0,), "c": (64,)},
            tensors=[numpy_helper.from_array(np.array(0), "i")],
        ),
    ),
    silent(
        "an operator of one's own between",
        graph(
            node("Pack", "x", "h", domain="own"),
            node("Reshape", "h s", "y"),
            lists={"s": (1, 64)},
            opsets={"own": 1},
            out=(1, 64),
        ),
    ),
    silent(
        "an expanded query of one row",
        graph(
            node("Reshape", "q s", "r"),
            node("MatMul", "r x", "y"),
            lists={"s": (1, 8)},
            tensors=[weight("q", 8)],
            shape=("n", 8, 4),
            out=("n", 1, 4),
        ),
    ),
    silent("flatten(1), the TorchScript exporter", exported(View(fixed=False), IMAGE, **FREE)),
    silent("attention, the TorchScript exporter", exported(Scores(), WORDS, **FREE)),
    silent("attention, the dynamo exporter", exported(Scores(), WORDS, **FREE_DYNAMO)),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent(
        "no axis is free",
        graph(node("Relu", "x", "y"), shape=(2, 64), out=(2, 64)),
        "not-applicable",
    ),
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
