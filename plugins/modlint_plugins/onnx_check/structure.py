"""Names in a graph: each defined once, before it is read, and read by something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from typing import Any

from msgspec import Struct, field

from modlint.analysis.onnx_check import Kind, Problem

MAX_PROBLEMS = 100
CONSTANT = "Constant"
"""Operator of nodes that runtimes take for initialisers: their order and names do not matter."""


class _Scope(Struct):
    """Names of one graph or function.

    Attributes:
        known: those that may be read; grows as the nodes are walked.
        later: those that some node defines.
        sorts: whether a runtime puts the nodes in order itself; those of the main graph only.
    """

    known: set[str]
    later: Set[str]
    sorts: bool = False


_Scopes = tuple[_Scope, ...]  # innermost first


class Structure(Struct):
    """Walks a model's graphs.

    Attributes:
        problems: what was found, the first `MAX_PROBLEMS`.
        nodes: number of nodes seen.
    """

    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def model(self, model: Any, called: Set[int] = frozenset()) -> None:
        """Walk a ModelProto; of functions that nothing calls only the outputs matter.

        Args:
            model: the model.
            called: indices of the functions that the graph calls.
        """
        self._graph(model.graph, (), where="the graph")
        if not model.graph.node:
            self._add(Problem("no-nodes", "the graph holds no nodes: it computes nothing"))
        for index, function in enumerate(model.functions):
            walk = self if index in called else Structure()
            walk.function(function)
            if walk is not self:
                self.nodes += walk.nodes
            self._function_outputs(function)

    def function(self, function: Any) -> None:
        """Walk a FunctionProto."""
        self._body(function, {*map(text, function.input)}, ())

    def _function_outputs(self, function: Any) -> None:
        defined = {text(name) for node in function.node for name in node.output}
        for name in map(text, function.output):
            if name not in defined:
                what = f"function {text(function.name)!r} gives {name!r}, which no node defines"
                self._add(Problem("undefined", what))

    def _graph(self, graph: Any, outer: _Scopes, where: str) -> None:
        inputs = [text(value.name) for value in graph.input]
        for name, count in Counter(filter(None, inputs)).items():
            if count > 1:
                self._add(Problem("duplicate", f"{where} has {count} inputs called {name!r}"))
        own = {*inputs, *(text(tensor.name) for tensor in graph.initializer)}
        own |= {text(sparse.values.name) for sparse in graph.sparse_initializer}
        self._body(graph, own, outer, sorts=not outer)
        defined = own.union(*(map(text, node.output) for node in graph.node))
        for name in (text(value.name) for value in graph.output):
            if not name or name not in defined:
                self._add(Problem("undefined", f"{where} gives {name!r}, which no node defines"))

    def _body(self, body: Any, own: set[str], outer: _Scopes, sorts: bool = False) -> None:
        computing = [node for node in body.node if node.op_type != CONSTANT]
        constants = {text(n) for node in body.node if node.op_type == CONSTANT for n in node.output}
        for name, count in Counter(text(node.name) for node in computing if node.name).items():
            if count > 1:
                message = f"{count} nodes are called {name!r}"
                self._add(Problem("duplicate-node-name", message, name))
        later = {text(name) for node in computing for name in node.output}
        scopes = (_Scope({*own, *constants}, later, sorts), *outer)
        for node in body.node:
            self.nodes += 1
            if node.op_type != CONSTANT:
                self._node(node, scopes)

    def _node(self, node: Any, scopes: _Scopes) -> None:
        label = node_label(node)
        for name in filter(None, map(text, node.input)):
            kind = _fault(name, scopes)
            if kind is not None:
                self._add(_unknown(label, name, kind))
        for graph in subgraphs(node):
            self._graph(graph, scopes, f"a subgraph of node {label!r}")
        outputs = [name for name in map(text, node.output) if name]
        for name in outputs:
            if any(name in scope.known for scope in scopes):
                self._add(Problem("duplicate", f"node {label!r} defines {name!r} again", label))
            scopes[0].known.add(name)

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


def graphs(model: Any) -> Iterator[Any]:
    """Every GraphProto of a model: its own, and those in attributes, functions included."""
    yield model.graph
    yield from _inner(model.graph.node)
    for function in model.functions:
        yield from _inner(function.node)


def _inner(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        for graph in subgraphs(node):
            yield graph
            yield from _inner(graph.node)


def _fault(name: str, scopes: _Scopes) -> Kind | None:
    """What is wrong with reading a name, None where nothing is."""
    if any(name in scope.known for scope in scopes):
        return None
    for scope in scopes:
        if name in scope.later:
            return "out-of-order" if scope.sorts else "unsorted"
    return "undefined"


def _unknown(label: str, name: str, kind: Kind) -> Problem:
    if kind == "undefined":
        return Problem(kind, f"node {label!r} reads {name!r}, which nothing defines", label)
    return Problem(kind, f"node {label!r} reads {name!r} before it is defined", label)
