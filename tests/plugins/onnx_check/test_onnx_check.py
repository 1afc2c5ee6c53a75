"""The stand-in model is judged as onnx.checker judges the model with its weights."""

from __future__ import annotations

import lzma
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import file_result

from modlint.analysis.onnx_check import REFUSED, OnnxValidity
from modlint.checkpoint import Checkpoint
from modlint.engine.load import load
from modlint.engine.registry import load_registry
from modlint.errors import Unavailable
from modlint_plugins.onnx_check.checked import refused_nodes
from modlint_plugins.onnx_check.checker import OnnxChecker

COMPLAINTS = REFUSED | {"nonconforming", "stated-shape"}
READERS = load_registry().readers


def check(path: Path) -> OnnxValidity:
    (checkpoint,) = load(path, READERS)
    return file_result(OnnxChecker(), checkpoint)


def refused(validity: OnnxValidity) -> bool:
    return any(problem.kind in COMPLAINTS for problem in validity.problems)


def saved(folder: Path, weight: np.ndarray[Any, Any], target: list[int]) -> Path:
    """X + w, reshaped to a stored shape."""
    shape = numpy_helper.from_array(np.array(target, np.int64), "shape")
    nodes = [
        helper.make_node("Add", ["x", "w"], ["h"]),
        helper.make_node("Reshape", ["h", "shape"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [64, 64]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [32, 128]),
    ]
    initialisers = [numpy_helper.from_array(weight, "w"), shape]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initialisers)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "m.onnx")
    return folder / "m.onnx"


@pytest.mark.parametrize(
    ("weight", "target"),
    [
        (np.ones((64, 64), np.float32), [32, 128]),  # large: stands in as an input
        (np.ones((1, 64), np.float32), [32, 128]),  # small: keeps its elements
        (np.ones((64, 63), np.float32), [32, 128]),
        (np.ones((64, 64), np.float32), [32, 127]),  # told by the stored shape alone
        (np.ones((64, 64), np.float64), [32, 128]),
    ],
)
def test_it_agrees_with_the_checker(
    tmp_path: Path, weight: np.ndarray[Any, Any], target: list[int]
) -> None:
    path = saved(tmp_path, weight, target)
    try:
        onnx.checker.check_model(str(path), full_check=True)
        expected = False
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        expected = True
    assert refused(check(path)) == expected


def test_a_file_without_a_graph_has_no_answer() -> None:
    with pytest.raises(Unavailable, match="no ONNX model"):
        file_result(OnnxChecker(), Checkpoint(Path("model.pt"), "torch-zip", 0))


def test_functions_that_unfold_beyond_the_limit_are_told_before_they_are_followed(
    tmp_path: Path,
) -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for level in range(40):
        name = f"f{level + 1}" if level < 39 else "Identity"
        domain = "own" if level < 39 else ""
        calls = [
            helper.make_node(name, ["a"], ["t"], domain=domain),
            helper.make_node(name, ["t"], ["b"], domain=domain),
        ]
        functions.append(helper.make_function("own", f"f{level}", ["a"], ["b"], calls, opsets))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    node = helper.make_node("f0", ["x"], ["y"], domain="own")
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, functions=functions, opset_imports=opsets, ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    (problem,) = check(tmp_path / "m.onnx").problems
    assert problem.kind == "recursive"
    assert "100,000 nodes, the limit" in problem.message


def test_no_graph_of_the_standard_is_refused(shared: Path, tmp_path: Path) -> None:
    """Those that the full check of onnx itself refuses are left out."""
    with lzma.open(shared / "onnx_backend.tar.xz") as packed, tarfile.open(fileobj=packed) as tar:
        members = [member for member in tar if member.name.endswith(".onnx")][::20]
        for member in members:
            content = tar.extractfile(member)
            assert content is not None
            path = tmp_path / "m.onnx"
            path.write_bytes(content.read())
            try:
                onnx.checker.check_model(str(path), full_check=True)
            except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
                continue
            assert not refused(check(path)), (member.name, check(path).problems)


@pytest.mark.parametrize("number", [-(1 << 63), (1 << 63) - 1, 1 << 31])
def test_versions_of_any_size_are_judged(number: int) -> None:
    model = onnx.helper.make_model(
        onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [], [])
    )
    model.ir_version = number
    assert list(refused_nodes(model)) == []
    model.opset_import[0].version = number
    list(refused_nodes(model))
