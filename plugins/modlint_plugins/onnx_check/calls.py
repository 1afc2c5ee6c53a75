"""Functions of a model: who calls which, without end or too often, and with how many arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from modlint.analysis.onnx_check import Problem
from modlint_plugins.onnx_check.structure import node_label, subgraphs, text

MAX_UNFOLDED = 100_000
"""Nodes that a model may have once every call is replaced by the function's nodes."""
MAX_DEPTH = 100
"""Calls within calls; shape inference follows them on the machine's own stack."""

Key = tuple[str, str, str]
"""Domain, name and overload of a function; "ai.onnx" is the domain ""."""


_TOO_DEEP = f"functions call one another more than {MAX_DEPTH} deep, the limit"


class _Size(NamedTuple):
    """A function with its calls unfolded: nodes, and calls within calls."""

    nodes: int
    depth: int


class _Endless(Exception):
    """Calls that shape inference could not follow."""


def function_key(function: Any) -> Key:
    """What calls of a FunctionProto name it by."""
    return domain_of(function), text(function.name), text(function.overload)


def operator_key(node: Any) -> Key:
    """The function that a node calls, if the model holds one of that key."""
    return domain_of(node), text(node.op_type), text(node.overload)


def domain_of(proto: Any) -> str:
    """The domain of a node, a function or an opset; that of the standard is ""."""
    domain = text(proto.domain)
    return "" if domain == "ai.onnx" else domain


def call_problem(model: Any) -> Problem | None:
    """What keeps a model's calls of its own functions from being followed, None for nothing."""
    functions = {function_key(function): function for function in model.functions}
    if not functions:
        return None
    sizes: dict[Key, _Size] = {}
    try:
        for key in functions:
            _size(key, functions, sizes, ())
        total = sum(sizes[key].nodes for key in _calls(model.graph, functions))
    except _Endless as endless:
        return Problem("recursive", str(endless))
    if total > MAX_UNFOLDED:
        message = f"its functions unfold to more than {MAX_UNFOLDED:,} nodes, the limit"
        return Problem("recursive", message)
    return None


def called_functions(model: Any) -> frozenset[int]:
    """Indices of the functions that the graph calls, at any depth."""
    functions = {function_key(function): function for function in model.functions}
    indices = {function_key(function): index for index, function in enumerate(model.functions)}
    found: set[Key] = set()
    waiting = list(_calls(model.graph, functions))
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += _calls(functions[key], functions)
    return frozenset(indices[key] for key in found)


def argument_problems(model: Any) -> Iterator[Problem]:
    """Calls with more inputs or outputs than the function has."""
    functions = {function_key(function): function for function in model.functions}
    for body in (model.graph, *model.functions):
        for node in _nodes(body):
            function = functions.get(operator_key(node))
            if function is None:
                continue
            for what in ("input", "output"):
                given, taken = len(getattr(node, what)), len(getattr(function, what))
                if given > taken:
                    label = node_label(node)
                    message = (
                        f"node {label!r} calls function {text(function.name)!r} with {given} "
                        f"{what}s, which has {taken}"
                    )
                    yield Problem("invalid", message, label)


def drop_repeated_arguments(model: Any) -> None:
    """Keep the first attribute of each name in and at calls of functions, as a runtime does."""
    functions = set(map(function_key, model.functions))
    for body in (model.graph, *model.functions):
        within = body is not model.graph
        for node in _nodes(body):
            names = [text(attribute.name) for attribute in node.attribute]
            kept = within or operator_key(node) in functions
            if kept and len(set(names)) < len(names):
                for index in reversed(range(len(names))):
                    if names[index] in names[:index]:
                        del node.attribute[index]


def _size(
    key: Key, functions: dict[Key, Any], sizes: dict[Key, _Size], above: tuple[Key, ...]
) -> _Size:
    """How large a function is once its own calls are unfolded."""
    if key in above:
        raise _Endless(f"function {key[1]!r} calls itself")
    if key not in sizes:
        if len(above) > MAX_DEPTH:
            raise _Endless(_TOO_DEEP)
        inner = [
            _size(k, functions, sizes, (*above, key)) for k in _calls(functions[key], functions)
        ]
        depth = 1 + max((size.depth for size in inner), default=0)
        sizes[key] = _Size(len(functions[key].node) + sum(s.nodes for s in inner), depth)
    if len(above) + sizes[key].depth > MAX_DEPTH:
        raise _Endless(_TOO_DEEP)
    return sizes[key]


def _calls(body: Any, functions: dict[Key, Any]) -> list[Key]:
    return [key for key in map(operator_key, _nodes(body)) if key in functions]


def _nodes(body: Any) -> Iterator[Any]:
    for node in body.node:
        yield node
        for graph in subgraphs(node):
            yield from _nodes(graph)
