"""Follows the operators of a graph, its subgraphs and functions in line."""

from __future__ import annotations

import time
from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.onnx_graph.care import care_of
from modlint_plugins.networks.onnx_graph.folds import fold
from modlint_plugins.networks.onnx_graph.nodes import Node, ordered
from modlint_plugins.networks.onnx_graph.op import Items, Op, Result, Value
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.scope import Model, Scope, Values
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.readers.onnx.types import text

MOST_NODES = 100_000
MOST_LABELS = 1 << 25
MOST_SECONDS = 30.0
_DEPTH = 24
_LIMIT = "the graph asks for more work than is done for one file"
_UNFIT = (
    *(ValueError, LookupError, TypeError, ArithmeticError),
    *(MemoryError, RecursionError, StopIteration),
)


class Walk:
    """Follows the operators of one part of a model.

    Args:
        model: the file.
        tracer: follows the channels.
        scope: values that are known.

    Attributes:
        unplaced: why tensors of operators that are not followed stand nowhere.
        results: names of the graph's results.
    """

    def __init__(self, model: Model, tracer: Tracer, scope: Scope, results: Set[str]) -> None:
        self.model, self.tracer, self.scope, self.results = model, tracer, scope, results
        self.unplaced: dict[str, str] = {}
        self.remarks: list[str] = []
        self._nodes = self._labels = self._depth = 0
        self._active: set[tuple[str, str]] = set()
        self._deadline = time.monotonic() + MOST_SECONDS

    def run(self, nodes: Iterable[Node]) -> None:
        """Follow operators in order."""
        for node in nodes:
            self.visit(node)

    def visit(self, node: Node) -> None:
        """Follow one operator; its results, or why there are none, become values."""
        try:
            results = self._results(node)
        except Refused as refused:
            results = self._lost(node, refused)
        except _UNFIT:
            results = self._lost(node, Refused("has sizes that do not fit one another"))
        found = (
            results
            if isinstance(results, list | tuple) and not isinstance(results, Items)
            else [results]
        )
        for name, value in zip(node.outputs, found, strict=False):
            if name and value is not None:
                self.scope.values[name] = value
                self._labels += value.labels.size if isinstance(value, Traced) else 0

    def _results(self, node: Node) -> Result | list[Refused]:
        self._nodes += 1
        spent = self._labels > MOST_LABELS or time.monotonic() > self._deadline
        if spent or self._nodes > MOST_NODES:
            raise Refused(_LIMIT)
        values = [self.scope.values.get(name) if name else None for name in node.inputs]
        for name, value in zip(node.inputs, values, strict=True):
            if name and value is None:
                raise Refused(f"reads {name!r}, which the file does not hold")
        op = Op(self, node, values)
        key = (node.domain, node.kind)
        handler = self.model.handlers.get(key)
        if handler is None and key in self.model.functions:
            return self._function(node, values)
        if not any(_depends(self.scope.values.get(name)) for name in node.reads):
            return fold(op, handler)
        if handler is None:
            raise Refused(f"is {node.domain or 'ai.onnx'}.{node.kind}, which is not followed")
        since = self.tracer.position
        results = handler(op)
        self.tracer.noted(since, results, care_of(op))
        return results

    def subgraph(
        self, graph: Any, bindings: Mapping[str, Value | Refused], section: str
    ) -> list[Value | Refused]:
        """The results of a GraphProto in this scope, its inputs bound to values."""
        outer = self.scope
        prefix = f"{outer.prefix}.{section}" if outer.prefix else section
        values: Values = ChainMap(dict(bindings), outer.values)
        results = [text(value.name) for value in graph.output]
        return self._inner(graph.node, graph.initializer, Scope(values, Counter(), prefix), results)

    def _function(
        self, node: Node, inputs: Sequence[Value | Refused | None]
    ) -> Result | list[Refused]:
        key = (node.domain, node.kind)
        if key in self._active:
            raise Refused("calls a function that calls itself")
        function = self.model.functions[key]
        given = {text(a.name): a for a in function.attribute_proto} | dict(node.attributes)
        names = [text(name) for name in function.input]
        bound = {n: v for n, v in zip(names, inputs, strict=False) if v is not None}
        scope = Scope(dict(bound), Counter(), text(function.name))
        results = [text(name) for name in function.output]
        self._active.add(key)
        try:
            return self._inner(function.node, (), scope, results, given)  # type: ignore[return-value]
        finally:
            self._active.discard(key)

    def _inner(
        self,
        protos: Sequence[Any],
        initializers: Iterable[Any],
        scope: Scope,
        results: Sequence[str],
        given: Mapping[str, Any] | None = None,
    ) -> list[Value | Refused]:
        if self._depth >= _DEPTH or self._nodes + len(protos) > MOST_NODES:
            raise Refused(_LIMIT)
        for proto in initializers:
            name = text(proto.name)
            scope.values[name] = self.model.constant(proto, name, scope.prefix)
        nodes = [Node.of(proto, index, given) for index, proto in enumerate(protos)]
        scope.readers.update(name for node in nodes for name in set(node.reads))
        scope.readers.update(results)
        outer, self.scope = self.scope, scope
        self._depth += 1
        try:
            self.run(ordered(nodes, set(results)))
        finally:
            self.scope = outer
            self._depth -= 1
        missing = Refused("reads a result that its subgraph does not give")
        return [scope.values.get(name, missing) for name in results]

    def _lost(self, node: Node, refused: Refused) -> Result | list[Refused]:
        """What stands for results that are not followed."""
        read = [self.scope.values.get(name) for name in node.reads]
        earlier = next((v for v in read if isinstance(v, Refused) and v is refused), None)
        why = str(refused) if earlier else f"{node.title} {refused}"
        traced = [value for value in read if isinstance(value, Traced)]
        for value in read:
            if isinstance(value, Static) and value.tensor is not None and _is_weight(value):
                self.unplaced.setdefault(value.tensor.name, why)
        if not traced:
            return [Refused(why)] * len(node.outputs)
        lost = next((value for value in traced if value.is_lost), None)
        reason = self.tracer.reason(lost) if lost else why
        shapes = [self.model.declared.get(name) or traced[0].shape for name in node.outputs]
        return [self.tracer.stopped(shape, reason or why, *traced) for shape in shapes]


def _depends(value: Value | Refused | None) -> bool:
    if isinstance(value, Items):
        return any(isinstance(item, Traced) for item in value)
    return isinstance(value, Traced)


def _is_weight(value: Static) -> bool:
    return value.rank > 1 and value.tensor is not None and not value.is_integer
