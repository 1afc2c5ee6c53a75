"""Cases of GRF003."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from onnx_models import array, branch, choice, function, model, node, value
from planted import Write, exported, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

TRUE = onnx.numpy_helper.from_array(np.array(True), "t")
FALSE = onnx.numpy_helper.from_array(np.array(False), "t")
HALF = onnx.numpy_helper.from_array(np.array(0.5, np.float32), "r")
NONE = onnx.numpy_helper.from_array(np.array(0.0, np.float32), "r")
BATCH = [array(name, 1, 1, 1, dtype=np.float32) for name in ("s", "b", "m", "v")]
LABELS = value("l", TensorProto.INT64, (2,))


def dropout(*tensors: TensorProto, inputs: str = "x r t", opset: int = 17) -> Write:
    return onnx_file(model(node("Dropout", inputs, "y"), tensors=tensors, opset=opset))


def norm(opset: int, outputs: str = "y", **attributes: int) -> Write:
    made = node("BatchNormalization", "x s b m v", outputs, **attributes)
    return onnx_file(model(made, tensors=BATCH, opset=opset))


def described() -> onnx.ModelProto:
    made = model(node("Relu", "x", "y"))
    info = made.training_info.add()
    info.algorithm.CopyFrom(helper.make_graph([], "step", [], []))
    return made


def mode_of_a_constant(by: str) -> onnx.ModelProto:
    given = {"value": TRUE} if by == "tensor" else {"value_int": 1}
    return model(
        node("Constant", "", "t", "c", **given),
        node("Dropout", "x r t", "y"),
        tensors=[HALF],
    )


def of_microsoft(op: str, inputs: str, *tensors: TensorProto) -> Write:
    made = node(op, inputs, "y", domain="com.microsoft")
    return onnx_file(model(made, tensors=tensors, opsets={"com.microsoft": 1}))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten()
    )


IMAGES = torch.ones(2, 1, 8, 8)
IN_TRAINING = exported(
    net().train(),
    IMAGES,
    dynamo=False,
    training=torch.onnx.TrainingMode.TRAINING,
    do_constant_folding=False,
)

PLANTED = (
    found("dropout whose mode is true", dropout(HALF, TRUE), "warning"),
    found("dropout of opset 12", dropout(HALF, TRUE, opset=12), "warning"),
    found("dropout of opset 13", dropout(HALF, TRUE, opset=13), "warning"),
    found("dropout of opset 22", dropout(HALF, TRUE, opset=22), "warning"),
    found("dropout of the default ratio", dropout(TRUE, inputs="x - t"), "warning"),
    found("a mode that a Constant gives", onnx_file(mode_of_a_constant("tensor")), "warning"),
    found(
        "a mode that a Constant gives as a number", onnx_file(mode_of_a_constant("int")), "warning"
    ),
    found(
        "a mode behind an Identity",
        onnx_file(
            model(node("Identity", "t", "u"), node("Dropout", "x r u", "y"), tensors=[HALF, TRUE])
        ),
        "warning",
    ),
    found("dropout of opset 6", dropout(inputs="x", opset=6), "warning"),
    found("dropout of opset 1", dropout(inputs="x", opset=1), "warning"),
    found("batch norm of opset 15", norm(15, "y rm rv", training_mode=1), "warning"),
    found("batch norm of opset 14", norm(14, "y rm rv", training_mode=1), "warning"),
    found("batch norm of opset 9 with statistics", norm(9, "y rm rv sm sv"), "warning"),
    found("batch norm of opset 7 with statistics", norm(7, "y rm rv sm sv"), "warning"),
    found("batch norm of opset 6", norm(6, is_test=0), "warning"),
    found(
        "in a branch",
        onnx_file(
            model(
                choice(branch(node("Dropout", "x r t", "b"), initializer=[HALF, TRUE])),
                tensors=[onnx.numpy_helper.from_array(np.array(True), "c")],
            )
        ),
        "warning",
    ),
    found(
        "in a function",
        onnx_file(
            model(
                node("f", "x", "y", domain="own"),
                functions=[
                    function(
                        node("Constant", "", "t", value=TRUE),
                        node("Constant", "", "r", value=HALF),
                        node("Dropout", "a r t", "b"),
                    )
                ],
                opsets={"own": 1},
            )
        ),
        "warning",
    ),
    found(
        "a loss",
        onnx_file(
            model(
                node("SoftmaxCrossEntropyLoss", "x l", "y"),
                inputs=[value("x"), LABELS],
                outputs=[value("y", shape=())],
            )
        ),
        "warning",
    ),
    found(
        "another loss",
        onnx_file(
            model(
                node("LogSoftmax", "x", "h"),
                node("NegativeLogLikelihoodLoss", "h l", "y"),
                inputs=[value("x"), LABELS],
                outputs=[value("y", shape=())],
            )
        ),
        "warning",
    ),
    found("a gradient of onnxruntime's", of_microsoft("ReluGrad", "x x"), "warning"),
    found("an optimiser of onnxruntime's", of_microsoft("AdamWOptimizer", "x x"), "warning"),
    found(
        "a fused dropout", of_microsoft("BiasDropout", "x b - r t", BATCH[1], HALF, TRUE), "warning"
    ),
    found("training described", onnx_file(described()), "warning"),
    Case(
        "the TorchScript exporter, in training mode",
        IN_TRAINING,
        (
            Expected("fail", "warning", values={"op": "BatchNormalization"}),
            Expected("fail", "warning", values={"op": "Dropout"}),
        ),
    ),
)

NEAR_MISSES = (
    silent("dropout whose mode is false", dropout(HALF, FALSE)),
    silent("dropout without a mode", dropout(HALF, inputs="x r")),
    silent("dropout of a ratio of zero", dropout(NONE, TRUE)),
    silent("dropout of opset 7", dropout(inputs="x", opset=7)),
    silent(
        "dropout of opset 10 with its mask", onnx_file(model(node("Dropout", "x", "y k"), opset=10))
    ),
    silent("dropout of opset 11", dropout(inputs="x", opset=11)),
    silent(
        "dropout of opset 6 for tests",
        onnx_file(model(node("Dropout", "x", "y", is_test=1), opset=6)),
    ),
    silent(
        "a mode that the caller gives",
        onnx_file(
            model(
                node("Dropout", "x r t", "y"),
                inputs=[value("x"), value("t", TensorProto.BOOL, ())],
                tensors=[HALF],
            )
        ),
    ),
    silent("batch norm of opset 15", norm(15)),
    silent("batch norm of opset 15 that says so", norm(15, training_mode=0)),
    silent("batch norm of opset 9", norm(9)),
    silent("batch norm of opset 6 for tests", norm(6, is_test=1)),
    silent("softmax", onnx_file(model(node("LogSoftmax", "x", "y")))),
    silent("noise of a sampler", onnx_file(model(node("RandomNormalLike", "x", "y")))),
    silent("noise of a sampler, Bernoulli", onnx_file(model(node("Bernoulli", "x", "y")))),
    silent(
        "an instance norm",
        onnx_file(model(node("InstanceNormalization", "x s b", "y"), tensors=BATCH[:2])),
    ),
    silent("a fused layer norm", of_microsoft("SkipLayerNormalization", "x x s", BATCH[0])),
    silent(
        "a gradient of one's own domain",
        onnx_file(model(node("ImageGrad", "x", "y", domain="own"), opsets={"own": 1})),
    ),
    silent(
        "dropout that no output depends on",
        onnx_file(
            model(node("Relu", "x", "y"), node("Dropout", "x r t", "z"), tensors=[HALF, TRUE])
        ),
    ),
    silent(
        "dropout in a function that nothing calls",
        onnx_file(
            model(
                node("Relu", "x", "y"),
                functions=[
                    function(
                        node("Constant", "", "t", value=TRUE),
                        node("Dropout", "a r t", "b"),
                        inputs="a r",
                    )
                ],
                opsets={"own": 1},
            )
        ),
    ),
    silent("the TorchScript exporter", exported(net().eval(), IMAGES, dynamo=False)),
    silent("the dynamo exporter", exported(net().eval(), IMAGES, dynamo=True)),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
