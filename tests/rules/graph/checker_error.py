"""Cases of GRF001."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from rule_cases import Case, Expected
from zip_tricks import model as torch_model

FLOAT = TensorProto.FLOAT
WEIGHT = onnx.numpy_helper.from_array(np.ones((64, 64), np.float32), "w")


def value(name: str, *shape: int) -> Any:
    return helper.make_tensor_value_info(name, FLOAT, list(shape))


def graph_of(
    *nodes: Any,
    name: str = "g",
    inputs: tuple[Any, ...] = (value("x", 1, 64),),
    stated: tuple[Any, ...] = (),
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        graph = helper.make_graph(list(nodes), name, list(inputs), [value("y", 1, 64)], [WEIGHT])
        graph.value_info.extend(stated)
        opset = helper.make_opsetid("", 17)
        made = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        onnx.save(made, folder / "model.onnx")
        return folder / "model.onnx"

    return write


def stripped(folder: Path) -> Path:
    path = graph_of(MATMUL)(folder)
    model = onnx.load(path)
    model.graph.initializer[0].ClearField("raw_data")
    onnx.save(model, path)
    return path


def segmented(folder: Path) -> Path:
    path = graph_of(MATMUL)(folder)
    model = onnx.load(path)
    model.graph.initializer[0].segment.end = 4096
    onnx.save(model, path)
    return path


def recursive(folder: Path) -> Path:
    path = graph_of(helper.make_node("f", ["x"], ["y"], domain="own"))(folder)
    model = onnx.load(path)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    call = helper.make_node("f", ["a"], ["b"], domain="own")
    model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [call], opsets))
    model.opset_import.add(domain="own", version=1)
    onnx.save(model, path)
    return path


MATMUL = helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")
RELU = helper.make_node("Relu", ["h"], ["y"], name="act")
FIRST = helper.make_node("MatMul", ["x", "w"], ["h"], name="mm")


def error(kind: str, message: str, target: tuple[str, str] | None = None) -> Expected:
    return Expected("fail", "error", "high", target, {"kind": kind}, message)


def warning(kind: str, message: str) -> Expected:
    return Expected("fail", "warning", "high", ("file", "model.onnx"), {"kind": kind}, message)


CASES = (
    Case(
        "a valid graph passes",
        graph_of(FIRST, RELU),
        (Expected("pass", target=("file", "model.onnx"), values={"nodes": 2, "inferred": True}),),
    ),
    Case(
        "a file without a graph is not passed",
        torch_model,
        (Expected("not-applicable", message="ONNX"),),
    ),
    Case(
        "nodes out of order",
        graph_of(RELU, FIRST),
        (warning("out-of-order", "'h' before it is defined"),),
    ),
    Case(
        "a name that nothing defines",
        graph_of(RELU),
        (error("undefined", "'h', which nothing defines", ("layer", "act")),),
    ),
    Case(
        "a name defined twice",
        graph_of(MATMUL, helper.make_node("Relu", ["x"], ["y"], name="act")),
        (error("duplicate", "defines 'y' again", ("layer", "act")),),
    ),
    Case(
        "shapes that contradict one another",
        graph_of(MATMUL, inputs=(value("x", 1, 63),)),
        (error("inference", "Incompatible dimensions"),),
    ),
    Case(
        "no name",
        graph_of(MATMUL, name=""),
        (warning("nonconforming", "the graph has no name"),),
    ),
    Case(
        "an attribute that the operator lacks",
        graph_of(helper.make_node("MatMul", ["x", "w"], ["y"], axis=1)),
        (error("invalid", "Unrecognized attribute: axis"),),
    ),
    Case("functions without end", recursive, (error("recursive", "'f' calls itself"),)),
    Case(
        "an operator of another domain",
        graph_of(helper.make_node("Odd", ["x"], ["y"], domain="org.example", name="odd")),
        (warning("unknown-domain", "Odd of 'org.example'"),),
    ),
    Case(
        "an operator that onnx does not define",
        graph_of(helper.make_node("Odd", ["x"], ["y"], name="odd")),
        (error("unknown-operator", "Odd of 'ai.onnx', which opset 17", ("layer", "odd")),),
    ),
    Case(
        "an operator of onnxruntime's own passes",
        graph_of(helper.make_node("FastGelu", ["x"], ["y"], domain="com.microsoft")),
        (Expected("pass"),),
    ),
    Case(
        "nodes that wait for one another",
        graph_of(helper.make_node("Add", ["y", "x"], ["h"]), RELU),
        (
            error("cycle", "a cycle, through 'h', 'act'"),
            warning("out-of-order", "'y' before it is defined"),
        ),
    ),
    Case(
        "nodes of one name",
        graph_of(FIRST, helper.make_node("Relu", ["h"], ["y"], name="mm")),
        (error("duplicate-node-name", "2 nodes are called 'mm'", ("layer", "mm")),),
    ),
    Case(
        "a stated shape that is not the inferred one",
        graph_of(FIRST, RELU, stated=(value("h", 1, 63),)),
        (warning("stated-shape", "differ in dimension 1: (64) vs (63)"),),
    ),
    Case(
        "a node that nothing reads is GRF002's",
        graph_of(MATMUL, helper.make_node("Relu", ["x"], ["z"], name="idle")),
        (Expected("pass"),),
    ),
    Case(
        "a tensor that is marked as a segment",
        segmented,
        (warning("segmented-tensor", "segment of a larger one"),),
    ),
    Case(
        "stripped weights",
        stripped,
        (
            Expected(
                "fail",
                "warning",
                "medium",
                values={"kind": "stripped-weights", "count": 1},
                message="1 tensor without elements",
            ),
        ),
    ),
)
