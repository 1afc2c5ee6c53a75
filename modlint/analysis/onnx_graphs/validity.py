"""onnx.checker and strict shape inference, on a stand-in without weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import OnnxGraph, OnnxValidity, Problem
from modlint.analysis.onnx_graphs.calls import call_problem
from modlint.analysis.onnx_graphs.operators import set_strangers_aside
from modlint.analysis.onnx_graphs.stand_in import StandIn
from modlint.analysis.onnx_graphs.structure import Structure, text
from modlint.errors import Unavailable

_ERRORS = frozenset({"invalid", "inference", "undefined", "unsorted", "duplicate", "recursive"})
_TOLD = ("topologically sorted", "single static assignment", "is not an output of any node")
_MOST_TEXT = 500
_LONG_VECTOR = 1 << 20
"""Shape inference takes a vector for a shape, and makes a dimension of each element."""


def validate(graph: OnnxGraph) -> OnnxValidity:
    """Check a model; shapes are inferred only where nothing else is wrong with it.

    Raises:
        Unavailable: it is too large to check.
    """
    structure = Structure()
    structure.model(graph.model)
    problems = structure.problems
    endless = call_problem(graph.model)
    if endless is not None:
        return OnnxValidity((*problems, endless), structure.nodes, False)
    model = StandIn(graph).model
    problems += set_strangers_aside(model)
    problems += _unshaped(model)
    told = any(problem.kind in _ERRORS for problem in problems)
    problems += _checked(model, _TOLD if told else ())
    sound = not any(problem.kind in _ERRORS for problem in problems)
    if sound:
        strict = not any(
            problem.kind in ("custom-operator", "unknown-domain") for problem in problems
        )
        _refuse_long_vectors(model)
        problems += _inferred(model, strict)
    return OnnxValidity(tuple(problems), structure.nodes, sound)


def _unshaped(model: Any) -> Iterator[Problem]:
    for value in model.graph.input:
        tensor = value.type.tensor_type
        if value.type.HasField("tensor_type") and not tensor.HasField("shape"):
            message = f"input {text(value.name)!r} states no shape, as the standard asks for"
            yield Problem("no-shape", message)


def _checked(model: Any, told: tuple[str, ...]) -> Iterator[Problem]:
    import onnx

    checked = onnx.ModelProto()
    checked.CopyFrom(model)
    if not checked.graph.name:
        yield Problem("invalid", "the graph has no name, which the standard asks for")
        checked.graph.name = "graph"
    for value in (*checked.graph.input, *checked.graph.output):
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(checked)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        message = _one_line(error)
        if not any(part in message for part in told):
            yield Problem("invalid", f"onnx.checker: {message}")


def _refuse_long_vectors(model: Any) -> None:
    """Keep shape inference within memory.

    Raises:
        Unavailable: a vector is too long.
    """
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if len(sizes) == 1 and sizes[0] > _LONG_VECTOR:
            raise Unavailable(
                f"vector {text(value.name)!r} has more than {_LONG_VECTOR:,} elements: shape "
                "inference would take too much memory"
            )


def _inferred(model: Any, strict: bool) -> Iterator[Problem]:
    import onnx

    try:
        # Propagating data as well takes memory in proportion to the sizes that the file states.
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=strict)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        for line in str(error).splitlines()[:20]:
            message = line.removeprefix("[ShapeInferenceError] ")
            message = message.removeprefix("Inference error(s): ").strip()
            if message:
                yield Problem("inference", f"shape inference: {message[:_MOST_TEXT]}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_MOST_TEXT]
