"""A graph's nodes in topological order, split into the parts that data connects."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from typing import Any

from msgspec import Struct

_DEPTH = 32


def text(value: str | bytes) -> str:
    """A protobuf string; one that is no UTF-8 arrives as bytes and is escaped."""
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


class Node(Struct, frozen=True, eq=False):
    """One operator.

    Attributes:
        index: position in the file.
        op: op_type.
        domain: operator domain, "" for ONNX's own.
        name: as written, may be empty.
        inputs: names of the values it reads, "" for an input left out.
        outputs: names of the values it gives.
        captured: values of the outer graph that its subgraphs read.
        proto: its NodeProto.
    """

    index: int
    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    captured: tuple[str, ...] = ()
    proto: Any = None

    @classmethod
    def of(cls, proto: Any, index: int) -> Node:
        """Wrap a NodeProto."""
        domain = text(proto.domain)
        return cls(
            index,
            text(proto.op_type),
            "" if domain == "ai.onnx" else domain,
            text(proto.name),
            tuple(text(name) for name in proto.input),
            tuple(text(name) for name in proto.output),
            tuple(_captured(proto, 0)),
            proto,
        )

    @property
    def title(self) -> str:
        """How messages call it."""
        if self.name:
            return f"node {self.name!r}"
        return f"the {self.op} node that gives {self.outputs[0] if self.outputs else ''!r}"

    @property
    def output(self) -> str:
        """Its first output, "" where it has none."""
        return self.outputs[0] if self.outputs else ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Every value that it depends on."""
        return tuple(name for name in (*self.inputs, *self.captured) if name)

    def attribute(self, name: str) -> Any:
        """Its AttributeProto called `name`, or None."""
        return next((a for a in self.proto.attribute if text(a.name) == name), None)

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        found = self.attribute(name)
        return default if found is None else int(found.i)

    def real(self, name: str, default: float) -> float:
        """A real attribute."""
        found = self.attribute(name)
        return default if found is None else float(found.f)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of integers, None where it is absent."""
        found = self.attribute(name)
        return None if found is None else tuple(found.ints)


def _captured(proto: Any, depth: int) -> Iterable[str]:
    if depth > _DEPTH:
        return
    for attribute in proto.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else []
        for graph in (*graphs, *attribute.graphs):
            for inner in graph.node:
                yield from map(text, inner.input)
                yield from _captured(inner, depth + 1)


class Unordered(Exception):
    """The nodes cannot be brought into topological order; the text says why."""


def ordered(nodes: Sequence[Node], outputs: Set[str]) -> list[Node]:
    """The nodes that the graph's outputs depend on, topologically, else in the file's order.

    Raises:
        Unordered: a value has two sources, or the graph has a cycle.
    """
    producer: dict[str, Node] = {}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in producer:
                raise Unordered(f"value {name!r} has more than one source")
            producer[name] = node
    live = _live(producer, outputs)
    waiting = dict.fromkeys(live, 0)
    followers: dict[int, list[int]] = defaultdict(list)
    for index in live:
        for before in {producer[name].index for name in nodes[index].reads if name in producer}:
            waiting[index] += 1
            followers[before].append(index)
    ready = [index for index, count in waiting.items() if not count]
    heapq.heapify(ready)
    result = []
    while ready:
        index = heapq.heappop(ready)
        result.append(nodes[index])
        for follower in followers[index]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, follower)
    if len(result) < len(live):
        stuck = min(index for index, count in waiting.items() if count)
        raise Unordered(f"the graph has a cycle at {nodes[stuck].title}")
    return result


def _live(producer: dict[str, Node], outputs: Set[str]) -> set[int]:
    """Indices of the nodes that some output depends on."""
    live: set[int] = set()
    pending = [producer[name] for name in sorted(outputs) if name in producer]
    while pending:
        node = pending.pop()
        if node.index not in live:
            live.add(node.index)
            pending += (producer[name] for name in node.reads if name in producer)
    return live


def components(nodes: Sequence[Node], values: Set[str]) -> list[list[Node]]:
    """Split nodes into sets that share no value out of `values`; order is kept."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def touched(node: Node) -> list[str]:
        return [name for name in (*node.reads, *node.outputs) if name in values]

    for node in nodes:
        first, *others = touched(node)
        for other in others:
            parent[root(other)] = root(first)
    parts: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        parts[root(touched(node)[0])].append(node)
    return list(parts.values())
