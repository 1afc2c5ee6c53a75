"""Names in a graph: each defined once, before it is read, and read by something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from modlint.analysis.onnx_check import Problem

MAX_PROBLEMS = 100

Scopes = tuple[set[str], ...]
"""Names that may be read, innermost graph first; each set grows as its graph is walked."""


@dataclass(slots=True)
class Structure:
    """Walks a model's graphs.

    Attributes:
        problems: what was found, the first `MAX_PROBLEMS`.
        nodes: number of nodes seen.
    """

    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def model(self, model: Any) -> None:
        """Walk a ModelProto."""
        self._graph(model.graph, (), where="the graph")
        if not model.graph.node:
            self._add(Problem("no-nodes", "the graph holds no nodes: it computes nothing"))
        for function in model.functions:
            given = {*map(text, function.input)}
            self._body(function, given, (), list(map(text, function.output)), "a function")

    def _graph(self, graph: Any, outer: Scopes, where: str) -> None:
        inputs = [text(value.name) for value in graph.input]
        for name, count in Counter(inputs).items():
            if count > 1:
                self._add(Problem("duplicate", f"{where} has {count} inputs called {name!r}"))
        initialisers = {text(tensor.name) for tensor in graph.initializer}
        initialisers |= {text(sparse.values.name) for sparse in graph.sparse_initializer}
        outputs = [text(value.name) for value in graph.output]
        self._body(graph, {*inputs, *initialisers}, outer, outputs, where)

    def _body(
        self, body: Any, own: set[str], outer: Scopes, outputs: list[str], where: str
    ) -> None:
        defined = {text(name) for node in body.node for name in node.output}
        used = {*outputs, *(name for node in body.node for name in _read(node))}
        names = Counter(text(node.name) for node in body.node if node.name)
        for name, count in names.items():
            if count > 1:
                message = f"{count} nodes are called {name!r}"
                self._add(Problem("duplicate-node-name", message, name))
        scopes = (set(own), *outer)
        for node in body.node:
            self.nodes += 1
            self._node(node, scopes, defined, used)
        for name in outputs:
            if name not in own and name not in defined:
                self._add(Problem("undefined", f"{where} gives {name!r}, which no node defines"))

    def _node(self, node: Any, scopes: Scopes, defined: set[str], used: set[str]) -> None:
        label = node_label(node)
        for name in filter(None, map(text, node.input)):
            if not _is_known(name, scopes):
                self._add(_unknown(label, name, name in defined))
        for graph in subgraphs(node):
            self._graph(graph, scopes, f"a subgraph of node {label!r}")
        outputs = [name for name in map(text, node.output) if name]
        for name in outputs:
            if _is_known(name, scopes):
                self._add(Problem("duplicate", f"node {label!r} defines {name!r} again", label))
            scopes[0].add(name)
        if outputs and node.op_type != "Constant" and used.isdisjoint(outputs):
            message = f"nothing reads what node {label!r} ({text(node.op_type)}) computes"
            self._add(Problem("unused-node", message, label))

    def _add(self, problem: Problem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def text(value: str | bytes) -> str:
    """A protobuf string; one that is no UTF-8 arrives as bytes and is escaped."""
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


def node_label(node: Any) -> str:
    """How messages call a node."""
    return text(node.name) or next(map(text, node.output), "") or text(node.op_type)


def subgraphs(node: Any) -> Iterator[Any]:
    """The graphs in a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _is_known(name: str, scopes: Scopes) -> bool:
    return any(name in names for names in scopes)


def _read(node: Any) -> Iterator[str]:
    """Every name that a node or its subgraphs may read."""
    yield from map(text, node.input)
    for graph in subgraphs(node):
        yield from (text(value.name) for value in graph.output)
        for inner in graph.node:
            yield from _read(inner)


def _unknown(label: str, name: str, later: bool) -> Problem:
    if later:
        return Problem("unsorted", f"node {label!r} reads {name!r} before it is defined", label)
    return Problem("undefined", f"node {label!r} reads {name!r}, which nothing defines", label)
