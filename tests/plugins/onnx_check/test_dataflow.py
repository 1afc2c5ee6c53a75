"""The dataflow of ONNX models: what reaches an output, and what constants hold."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx_models import (
    CONDITION,
    array,
    branch,
    choice,
    function,
    model,
    mutant,
    node,
    seeds,
    value,
)

from modlint.analysis.onnx_check import OnnxGraph
from modlint.numerics.graph.batch_axes import batch_axes
from modlint.results.dataflow import Dataflow
from modlint.source import open_source
from modlint_plugins.onnx_check.dataflow import dataflow
from modlint_plugins.readers.onnx.reader import OnnxReader
from modlint_rules.graph.ir_too_new import FIRST_ML_OPSETS, FIRST_OPSETS


def flow_of(made: onnx.ModelProto, folder: Path) -> Dataflow:
    onnx.save(made, folder / "model.onnx")
    graph = OnnxReader().read(open_source(folder / "model.onnx")).graph
    assert isinstance(graph, OnnxGraph)
    return dataflow(graph)


def test_bodies_stand_behind_the_one_around_them(tmp_path: Path) -> None:
    inner = choice(branch(node("Relu", "h", "b")))
    made = model(
        node("Abs", "x", "h"),
        inner,
        tensors=[CONDITION],
        functions=[function(node("Relu", "a", "b"))],
        opsets={"own": 1},
    )
    flow = flow_of(made, tmp_path)
    assert [body.kind for body in flow.bodies] == ["graph", "subgraph", "subgraph", "function"]
    assert [body.outer for body in flow.bodies] == [None, 0, 0, None]
    assert [body.live for body in flow.bodies] == [True, True, True, False]
    assert flow.graph.nodes[1].captured == ("h", "x")


def test_constants_are_told_by_what_they_hold(tmp_path: Path) -> None:
    wide = array("wide", 1, 1 << 40, 1 << 41, (1 << 63) - 1)
    made = model(
        node("Constant", "", "k", value_ints=[2, 3]),
        node("Identity", "k", "same"),
        node("Concat", "k one", "s", axis=0),
        node("Relu", "x", "y"),
        tensors=[wide, array("one", 1)],
    )
    flow = flow_of(made, tmp_path)
    found = flow.graph.constants
    assert found["wide"].beyond_int32 == (2, 1 << 40)
    assert found["k"].by_node
    assert not found["k"].read
    assert flow.constant("same", flow.graph) is found["k"]
    assert flow.whole("s", flow.graph) == (2, 3, 1)
    assert flow.graph.inputs[0].shape == (2, 3)


def test_a_constant_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    made = model(node("Relu", "x", "y"), tensors=[array("k", 1)])
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="gone.bin")
    flow = flow_of(made, tmp_path)
    assert flow.unread == "constant 'k' cannot be read"
    assert flow.graph.constants["k"].beyond_int32 is None


@pytest.mark.parametrize("seed", range(4))
def test_no_mutant_breaks_the_walk(seed: int, tmp_path: Path) -> None:
    generator = random.Random(seed)
    walked = 0
    for source in seeds():
        for _ in range(25):
            broken = mutant(source, generator)
            (tmp_path / "model.onnx").write_bytes(broken.SerializeToString())
            graph = OnnxReader().read(open_source(tmp_path / "model.onnx")).graph
            if isinstance(graph, OnnxGraph):
                batch_axes(dataflow(graph))
                walked += 1
    assert walked > 100


def test_the_table_of_versions_is_onnx_s_own() -> None:
    for table, column in ((FIRST_OPSETS, 2), (FIRST_ML_OPSETS, 3)):
        for row in onnx.helper.VERSION_TABLE:
            needed = max(ir for ir, first in table.items() if first <= row[column])
            assert needed == min(
                r[1] for r in onnx.helper.VERSION_TABLE if r[column] == row[column]
            )


def test_a_free_axis_is_followed_to_the_output(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones((3, 4), np.float32), "w")
    made = model(
        node("MatMul", "x w", "h"),
        node("Reshape", "h s", "y"),
        inputs=[value("x", shape=("n", 3))],
        outputs=[value("y", shape=("n", 2, 2))],
        tensors=[weight, array("s", 1, 2, 2)],
    )
    axes = batch_axes(flow_of(made, tmp_path))
    assert axes.free == ("x",)
    assert [(found.op, found.symbol, found.target) for found in axes.fixed] == [
        ("Reshape", "n", (1, 2, 2))
    ]
