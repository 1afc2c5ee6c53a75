"""From a parsed model to its networks: every part of the graph is followed by itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.network import Network, Unplaced
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.blocks import repeated
from modlint_plugins.networks.flow.nodes import CallNode
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.onnx_graph.handlers import HANDLERS
from modlint_plugins.networks.onnx_graph.nodes import Node, components, domain_of, ordered
from modlint_plugins.networks.onnx_graph.op import Items, Value
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.scope import Model, Scope, functions_of
from modlint_plugins.networks.onnx_graph.sizes import (
    CHOICES,
    Chosen,
    DeclaredShapes,
    Hints,
    dims_of,
)
from modlint_plugins.networks.onnx_graph.walk import MOST_NODES, Walk
from modlint_plugins.readers.onnx.types import text

NO_LAYER = "the graph has no layer whose weights could be followed"
_PATIENCE = 2.0
"""Seconds after which no other sizes are tried."""


def build(checkpoint: Checkpoint, oldest_opset: int) -> Built:
    """The networks of a model, and the weights that stand in none."""
    model = checkpoint.graph.model
    opset = max((o.version for o in model.opset_import if not domain_of(o.domain)), default=0)
    if not opset:
        return _none("the model does not say which operator set it uses")
    if opset < oldest_opset:
        return _none(f"operator set {opset} is older than {oldest_opset}")
    count = len(model.graph.node)
    if count > MOST_NODES:
        return _none(f"the graph has {count:,} nodes, more than {MOST_NODES:,}", failed=True)
    nodes = [Node.of(proto, index) for index, proto in enumerate(model.graph.node)]
    try:
        nodes = ordered(nodes, {text(value.name) for value in model.graph.output})
    except Refused as refused:
        return _none(str(refused))
    graph = _Graph(checkpoint, nodes, opset)
    return _best(graph)


def _none(reason: str, *, failed: bool = False) -> Built:
    return Built((Network("0", reason=reason, failed=failed),))


def _best(graph: _Graph) -> Built:
    """The attempt that leaves the fewest weights out."""
    started = time.monotonic()
    best = None
    for choice in CHOICES if graph.is_open else CHOICES[:1]:
        built = graph.built(Chosen(*choice))
        if best is None or len(built.unplaced) < len(best.unplaced):
            best = built
        if not best.unplaced or time.monotonic() - started > _PATIENCE:
            break
    if best is None or not best.networks:
        return Built((Network("0", reason=NO_LAYER),), () if best is None else best.unplaced)
    return best


class _Part(Struct, frozen=True, eq=False):
    """Operators that data connects, and the constants that they read.

    Attributes:
        nodes: in order.
        names: all their values.
    """

    nodes: list[Node]
    names: set[str]


class _Graph:
    """A model's graph, ready to be followed with one choice of sizes or another."""

    def __init__(self, checkpoint: Checkpoint, nodes: Sequence[Node], opset: int) -> None:
        self.graph = checkpoint.graph
        self.tensors = checkpoint.tensors
        self.nodes, self.opset = nodes, opset
        proto = checkpoint.graph.model.graph
        held = {text(t.name) for t in proto.initializer}
        self.inputs = [value for value in proto.input if text(value.name) not in held]
        self.outputs = [text(value.name) for value in proto.output]
        self.functions = functions_of(checkpoint.graph.model)
        self.hints = Hints(nodes, checkpoint.tensors)
        dims = [dims_of(value) for value in self.inputs]
        self.is_open = any(d is None or any(not isinstance(n, int) for n in d) for d in dims)
        self.parts = list(self._parts())

    def _parts(self) -> Iterator[_Part]:
        given = {text(value.name) for value in self.inputs}
        dependent = set(given)
        for node in self.nodes:
            if dependent.intersection(node.reads):
                dependent.update(filter(None, node.outputs))
        neural = [node for node in self.nodes if dependent.intersection(node.reads)]
        for part in components(neural, dependent) or [[]]:
            yield self._with_constants(part, single=len(part) == len(neural))

    def _with_constants(self, part: Sequence[Node], *, single: bool) -> _Part:
        """A part with all that it reads; everything where there is one part alone."""
        if single:
            chosen = list(self.nodes)
        else:
            wanted = {node.index for node in part}
            names = {name for node in part for name in node.reads}
            for node in reversed(self.nodes):
                if names.intersection(node.outputs):
                    wanted.add(node.index)
                    names.update(node.reads)
            chosen = [node for node in self.nodes if node.index in wanted]
        every = {name for node in chosen for name in (*node.reads, *node.outputs)}
        return _Part(chosen, every)

    def built(self, chosen: Chosen) -> Built:
        """The networks of all parts, with open sizes as they are chosen."""
        shapes = {text(v.name): self._shape(v, chosen) for v in self.inputs}
        networks: list[Network] = []
        unplaced: dict[str, str] = {}
        for part in self.parts:
            walk = self._walk(part, shapes, chosen)
            layers = [node.name for node in walk.tracer.nodes if isinstance(node, CallNode)]
            remarks = tuple(dict.fromkeys(walk.remarks))
            name = str(len(networks))
            found = network_of(walk.tracer, name, "graph", repeated(layers), remarks)
            networks += found.networks
            for one in found.unplaced:
                unplaced.setdefault(one.tensor, one.reason)
            for tensor, reason in walk.unplaced.items():
                unplaced.setdefault(tensor, reason)
        placed = {name for network in networks for name in network.tensors}
        left = [Unplaced(t, reason) for t, reason in unplaced.items() if t not in placed]
        return Built(tuple(networks), tuple(left))

    def _shape(self, value: Any, chosen: Chosen) -> tuple[int, ...] | None:
        """The shape of an input; None where nothing tells how many axes it has."""
        dims = dims_of(value)
        rank, hints = self.hints.of(text(value.name), None if dims is None else len(dims))
        if dims is None:
            dims = None if rank is None else (None,) * rank
        return None if dims is None else chosen.shape(dims, hints)

    def _walk(self, part: _Part, shapes: dict[str, tuple[int, ...] | None], chosen: Chosen) -> Walk:
        tracer = Tracer()
        model = Model(
            self.graph,
            self.tensors,
            self.functions,
            HANDLERS,
            DeclaredShapes(self.graph.model.graph, chosen),
            self.opset,
        )
        values: dict[str, Value | Refused] = {}
        for proto in self.graph.model.graph.initializer:
            name = text(proto.name)
            if name in part.names:
                values[name] = model.constant(proto, name, "")
        for name, shape in shapes.items():
            if name in part.names or name in self.outputs:
                values[name] = tracer.input(name, () if shape is None else shape)
        scope = Scope(values, _readers(part.nodes, self.outputs))
        walk = Walk(model, tracer, scope, set(self.outputs))
        walk.run(part.nodes)
        tracer.output(*_results(scope, self.outputs))
        return walk


def _readers(nodes: Sequence[Node], outputs: Sequence[str]) -> Counter[str]:
    """How many operators and results read each value; its shape alone does not count."""
    readers = Counter(outputs)
    readers.update(name for node in nodes if node.kind != "Shape" for name in set(node.reads))
    return readers


def _results(scope: Scope, outputs: Sequence[str]) -> Iterator[Traced]:
    for name in outputs:
        value = scope.values.get(name)
        yield from (
            x for x in (value if isinstance(value, Items) else (value,)) if isinstance(x, Traced)
        )
