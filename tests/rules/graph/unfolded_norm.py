"""Cases of GRF007."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx_models import array, model, node, value
from planted import Write, exported, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

NORM = tuple(array(name, 1, 2, 3, dtype=np.float32) for name in "sbmv")
BIAS = array("c", 1, 2, 3, dtype=np.float32)
AFTER = node("BatchNormalization", "h s b m v", "y", "bn")


def weight(*shape: int) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.ones(shape, np.float32), "w")


def layer(op: str, axes: int = 2, norm: Any = AFTER, inputs: str = "x w", **how: Any) -> Write:
    flat = op == "Gemm"
    shape = (3, 3) if flat else (3, 3, *(1,) * axes)
    ends = (2, 3) if flat else (2, 3, *(5,) * axes)
    opset = how.pop("opset", 17)
    made = model(
        node(op, inputs, "h", **how),
        norm,
        inputs=[value("x", shape=ends)],
        outputs=[value("y", shape=ends)],
        tensors=[weight(*shape), BIAS, *NORM],
        opset=opset,
    )
    return onnx_file(made)


def behind(*nodes: Any, tensors: Any = (), **rest: Any) -> Write:
    ends = [value("x", shape=(2, 3, 5, 5))], [value("y", shape=(2, 3, 5, 5))]
    kept = {"inputs": ends[0], "outputs": ends[1], **rest}
    return onnx_file(model(*nodes, tensors=[weight(3, 3, 1, 1), BIAS, *NORM, *tensors], **kept))


def convolutions(*layers: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*layers)


CONV = node("Conv", "x w", "h", "conv")
IMAGE = torch.ones(1, 3, 8, 8)
UNFOLDED = {
    "dynamo": False,
    "do_constant_folding": False,
    "training": torch.onnx.TrainingMode.PRESERVE,
}

PLANTED = (
    *(found(f"Conv of {axes} axes", layer("Conv", axes), "note") for axes in (1, 2, 3)),
    *(
        found(f"ConvTranspose of {axes} axes", layer("ConvTranspose", axes), "note")
        for axes in (1, 2, 3)
    ),
    found("Gemm", layer("Gemm"), "note"),
    found("Gemm, transposed", layer("Gemm", transB=1), "note"),
    *(
        found(f"{op} with a bias", layer(op, inputs="x w c"), "note")
        for op in ("Conv", "ConvTranspose", "Gemm")
    ),
    *(
        found(f"Conv of opset {opset}", layer("Conv", opset=opset), "note")
        for opset in (7, 9, 11, 13, 15)
    ),
    found(
        "a weight that a Constant gives",
        onnx_file(
            model(
                node("Constant", "", "w", value=weight(3, 3, 1, 1)),
                CONV,
                AFTER,
                inputs=[value("x", shape=(2, 3, 5, 5))],
                outputs=[value("y", shape=(2, 3, 5, 5))],
                tensors=NORM,
            )
        ),
        "note",
    ),
    found(
        "an epsilon of its own",
        behind(CONV, node("BatchNormalization", "h s b m v", "y", epsilon=1e-3)),
        "note",
    ),
    Case(
        "two of three",
        behind(
            CONV,
            node("BatchNormalization", "h s b m v", "i"),
            node("Relu", "i", "j"),
            node("Conv", "j w", "k"),
            node("BatchNormalization", "k s b m v", "l"),
            node("Relu", "l", "o"),
            node("BatchNormalization", "o s b m v", "y"),
        ),
        (Expected("fail", "note", values={"foldable": 2, "norms": 3}),),
    ),
    found(
        "Conv2d, the TorchScript exporter",
        exported(
            convolutions(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval(), IMAGE, **UNFOLDED
        ),
        "note",
    ),
    found(
        "ConvTranspose2d, the TorchScript exporter",
        exported(
            convolutions(nn.ConvTranspose2d(3, 4, 3), nn.BatchNorm2d(4)).eval(), IMAGE, **UNFOLDED
        ),
        "note",
    ),
)

NEAR_MISSES = (
    silent(
        "a norm behind a ReLU",
        behind(CONV, node("Relu", "h", "i"), node("BatchNormalization", "i s b m v", "y")),
    ),
    silent(
        "a norm before the convolution",
        behind(node("BatchNormalization", "x s b m v", "h"), node("Conv", "h w", "y")),
    ),
    silent(
        "a convolution that something else reads",
        behind(CONV, node("BatchNormalization", "h s b m v", "i"), node("Add", "i h", "y")),
    ),
    silent(
        "a convolution that is an output",
        behind(
            CONV, AFTER, outputs=[value("y", shape=(2, 3, 5, 5)), value("h", shape=(2, 3, 5, 5))]
        ),
    ),
    silent("a norm behind the input", behind(node("BatchNormalization", "x s b m v", "y"))),
    silent(
        "a norm behind a sum",
        behind(CONV, node("Add", "h x", "i"), node("BatchNormalization", "i s b m v", "y")),
    ),
    silent(
        "a norm behind a pool",
        behind(
            CONV,
            node("MaxPool", "h", "i", kernel_shape=[1, 1]),
            node("BatchNormalization", "i s b m v", "y"),
        ),
    ),
    silent(
        "in training mode",
        layer("Conv", norm=node("BatchNormalization", "h s b m v", "y p q", training_mode=1)),
    ),
    silent(
        "in training mode of opset 9",
        layer("Conv", norm=node("BatchNormalization", "h s b m v", "y p q r t"), opset=9),
    ),
    silent(
        "weights that are computed", behind(node("Abs", "w", "u"), node("Conv", "x u", "h"), AFTER)
    ),
    silent(
        "weights that the caller gives",
        onnx_file(
            model(
                node("Conv", "x u", "h"),
                AFTER,
                inputs=[value("x", shape=(2, 3, 5, 5)), value("u", shape=(3, 3, 1, 1))],
                outputs=[value("y", shape=(2, 3, 5, 5))],
                tensors=NORM,
            )
        ),
    ),
    silent(
        "a scale that is computed",
        behind(node("Abs", "s", "u"), CONV, node("BatchNormalization", "h u b m v", "y")),
    ),
    silent(
        "an instance norm",
        behind(CONV, node("InstanceNormalization", "h s b", "y")),
        "not-applicable",
    ),
    silent("no norm", behind(node("Conv", "x w", "y")), "not-applicable"),
    silent(
        "a norm behind a MatMul",
        onnx_file(
            model(
                node("MatMul", "x w", "h"),
                AFTER,
                inputs=[value("x", shape=(2, 3))],
                outputs=[value("y", shape=(2, 3))],
                tensors=[weight(3, 3), *NORM],
            )
        ),
    ),
    silent(
        "a norm behind an operator of one's own",
        behind(node("Conv", "x w", "h", domain="own"), AFTER, opsets={"own": 1}),
    ),
    silent(
        "a layer norm behind a Gemm",
        layer("Gemm", norm=node("LayerNormalization", "h s b", "y")),
        "not-applicable",
    ),
    silent("a norm of another graph's name", behind(node("Identity", "x", "h"), AFTER)),
    silent(
        "folded, the TorchScript exporter",
        exported(
            convolutions(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval(),
            IMAGE,
            dynamo=False,
        ),
        "not-applicable",
    ),
    silent(
        "before the activation, the TorchScript exporter",
        exported(
            convolutions(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 3)).eval(), IMAGE, **UNFOLDED
        ),
    ),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
