"""Names in a graph: scopes reach inwards, and a long graph costs what its length does."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import onnx
from onnx import helper

from modlint_plugins.onnx_check.structure import Structure


def problems(nodes: list[Any]) -> set[tuple[str, str]]:
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    structure = Structure()
    structure.model(helper.make_model(helper.make_graph(nodes, "g", [x], [y])))
    return {(problem.kind, problem.message) for problem in structure.problems}


def branch(*names: str) -> Any:
    """A node whose subgraph reads names in turn, each through a node of its own."""
    inner = [helper.make_node("Relu", [name], [f"of {name}"]) for name in names]
    output = helper.make_tensor_value_info(f"of {names[-1]}", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph(inner, "inner", [], [output])
    return helper.make_node("If", ["x"], ["y"], then_branch=graph, else_branch=graph)


def test_a_subgraph_reads_what_was_defined_before_it_or_is_moved_behind_it() -> None:
    before = helper.make_node("Relu", ["x"], ["h"])
    after = helper.make_node("Relu", ["y"], ["late"])
    assert not problems([before, branch("x", "h")])
    found = problems([before, branch("late", "x"), after])
    assert ("out-of-order", "node 'of late' reads 'late' before it is defined") in found


def test_names_of_a_subgraph_stay_in_it() -> None:
    reads = helper.make_node("Relu", ["of x"], ["z"])
    assert any(kind == "undefined" for kind, _ in problems([branch("x"), reads]))


def test_a_hundred_thousand_nodes_take_seconds() -> None:
    length = 100_000
    names = ["x", *(f"h{n}" for n in range(length - 1)), "y"]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)]
    started = time.process_time()
    assert not problems(nodes)
    assert time.process_time() - started < 20
