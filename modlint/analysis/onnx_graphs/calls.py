"""Functions of a model that call one another: without end, or too often to unfold."""

from __future__ import annotations

from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint.analysis.onnx_graphs.structure import subgraphs, text

MAX_UNFOLDED = 100_000
"""Nodes that a model may have once every call is replaced by the function's nodes."""
MAX_DEPTH = 100
"""Calls within calls; shape inference follows them on the machine's own stack."""

_Key = tuple[str, str]


class _Endless(Exception):
    """Calls that shape inference could not follow."""


def call_problem(model: Any) -> Problem | None:
    """What is wrong with a model's calls of its own functions, None where nothing is."""
    functions = {(text(f.domain), text(f.name)): f for f in model.functions}
    if not functions:
        return None
    sizes: dict[_Key, int] = {}
    try:
        total = sum(_size(key, functions, sizes, ()) for key in _calls(model.graph, functions))
    except _Endless as endless:
        return Problem("recursive", str(endless))
    if total > MAX_UNFOLDED:
        message = f"its functions unfold to more than {MAX_UNFOLDED:,} nodes, the limit"
        return Problem("recursive", message)
    return None


def _size(
    key: _Key, functions: dict[_Key, Any], sizes: dict[_Key, int], above: tuple[_Key, ...]
) -> int:
    """Nodes of a function once its own calls are unfolded."""
    if key in above:
        raise _Endless(f"function {key[1]!r} calls itself")
    if len(above) > MAX_DEPTH:
        raise _Endless(f"functions call one another more than {MAX_DEPTH} deep, the limit")
    if key not in sizes:
        inner = (
            _size(k, functions, sizes, (*above, key)) for k in _calls(functions[key], functions)
        )
        sizes[key] = len(functions[key].node) + sum(inner)
    return sizes[key]


def _calls(body: Any, functions: dict[_Key, Any]) -> list[_Key]:
    found = []
    for node in body.node:
        key = (text(node.domain), text(node.op_type))
        if key in functions:
            found.append(key)
        for graph in subgraphs(node):
            found += _calls(graph, functions)
    return found
