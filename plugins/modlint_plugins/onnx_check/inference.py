"""Strict shape inference, and which of its complaints a runtime shares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint.errors import Unavailable
from modlint_plugins.onnx_check.checked import MAX_TEXT
from modlint_plugins.onnx_check.structure import graphs, text

_LONG_VECTOR = 1 << 20
"""Shape inference takes a vector for a shape, and makes a dimension of each element."""
_STATED = re.compile(r"Inferred shape and existing shape differ|^(?!.*\(op_type:)")
"""What runtimes put up with: a stated shape that is not the inferred one; they forget both."""
_OUTER = re.compile(r"\(op_type:(?:If|Loop|Scan|SequenceMap)\b")
"""Operators with subgraphs, whose first complaint hides the others."""
_LISTED = 20


def inference_problems(model: Any, strict: bool) -> list[Problem]:
    """What strict inference refuses: "inference" where a runtime does, "stated-shape" otherwise.

    Complaints about stated shapes, and those that follow from them, are gone once the statements
    are. What is left is real: nodes that do not fit each other, and inputs of subgraphs.

    Args:
        model: a model whose nodes are in order; changed in place.
        strict: whether every operator is known, so that a missing type is the model's fault.

    Raises:
        Unavailable: a vector is too long.
    """
    _refuse_long_vectors(model)
    _forget_negative_sizes(model)
    found = list(_complaints(model, strict))
    stated = [message for message in found if _STATED.search(message)]
    refused = [message for message in found if message not in stated]
    if stated:
        _forget_shapes(model)
        left = list(_complaints(model, strict))
        refused = [message for message in left if message in found or _OUTER.match(message)]
        stated = [message for message in stated if message not in refused]
    return [
        *(Problem("inference", f"shape inference: {message}") for message in refused[:_LISTED]),
        *(Problem("stated-shape", f"shape inference: {message}") for message in stated[:_LISTED]),
    ]


def _complaints(model: Any, strict: bool) -> Iterator[str]:
    import onnx

    try:
        # Propagating data as well takes memory in proportion to the sizes that the file states.
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=strict)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        for line in str(error).splitlines():
            message = line.removeprefix("[ShapeInferenceError] ")
            message = message.removeprefix("Inference error(s): ").strip()
            if message:
                yield message[:MAX_TEXT]


def _forget_shapes(model: Any) -> None:
    """Take out every shape that is stated for what nodes compute."""
    for graph in graphs(model):
        computed = {text(name) for node in graph.node for name in node.output}
        for value in (*graph.output, *graph.value_info):
            if text(value.name) in computed and value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")


def _forget_negative_sizes(model: Any) -> None:
    """Sizes below zero mean unknown ones to a runtime; older exporters wrote them so."""
    for graph in graphs(model):
        for value in (*graph.input, *graph.output, *graph.value_info):
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_value < 0:
                    dim.ClearField("dim_value")


def _refuse_long_vectors(model: Any) -> None:
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if len(sizes) == 1 and sizes[0] > _LONG_VECTOR:
            raise Unavailable(
                f"vector {text(value.name)!r} has more than {_LONG_VECTOR:,} elements: shape "
                "inference would take too much memory"
            )
