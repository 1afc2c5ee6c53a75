"""Operators as the file lists them, brought into an order in which they can be followed."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.readers.onnx.types import text

_DEPTH = 32


@dataclass(frozen=True, eq=False)
class Node:
    """One operator.

    Attributes:
        index: position in the file.
        kind: op_type.
        domain: operator domain, "" for ONNX's own.
        name: as written, may be empty.
        inputs: names of the values it reads, "" for an input left out.
        outputs: names of the values it gives.
        captured: values of the outer graph that its subgraphs read.
        attributes: AttributeProtos by name.
    """

    index: int
    kind: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    captured: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, proto: Any, index: int, given: Mapping[str, Any] | None = None) -> Node:
        """Wrap a NodeProto; `given` are the attributes of the function that it is in."""
        attributes = {text(a.name): a for a in proto.attribute}
        for name, attribute in list(attributes.items()):
            if attribute.ref_attr_name:
                bound = (given or {}).get(text(attribute.ref_attr_name))
                attributes.pop(name)
                if bound is not None:
                    attributes[name] = bound
        return cls(
            index,
            text(proto.op_type),
            domain_of(proto.domain),
            text(proto.name),
            tuple(map(text, proto.input)),
            tuple(map(text, proto.output)),
            tuple(_captured(proto, 0)),
            attributes,
        )

    @property
    def title(self) -> str:
        """How messages call it."""
        if self.name:
            return f"node {self.name!r} ({self.kind})"
        return f"the {self.kind} node that gives {self.outputs[0] if self.outputs else ''!r}"

    @property
    def output(self) -> str:
        """Its first output, "" where it has none."""
        return self.outputs[0] if self.outputs else ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Every value that it depends on."""
        return tuple(name for name in (*self.inputs, *self.captured) if name)

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        found = self.attributes.get(name)
        return default if found is None else int(found.i)

    def real(self, name: str, default: float) -> float:
        """A real attribute."""
        found = self.attributes.get(name)
        return default if found is None else float(found.f)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of integers, None where it is absent."""
        found = self.attributes.get(name)
        return None if found is None else tuple(found.ints)

    def string(self, name: str, default: str) -> str:
        """An attribute that is a string."""
        found = self.attributes.get(name)
        return default if found is None else text(found.s)


def domain_of(domain: str | bytes) -> str:
    """A domain, "" for ONNX's own."""
    return "" if text(domain) == "ai.onnx" else text(domain)


def _captured(proto: Any, depth: int) -> Iterable[str]:
    if depth > _DEPTH:
        return
    for attribute in proto.attribute:
        graphs = [attribute.g] if attribute.HasField("g") else []
        for graph in (*graphs, *attribute.graphs):
            yield from (text(value.name) for value in graph.output)
            for inner in graph.node:
                yield from map(text, inner.input)
                yield from _captured(inner, depth + 1)


def ordered(nodes: Sequence[Node], outputs: Set[str]) -> list[Node]:
    """The nodes that the graph's outputs depend on, topologically, else in the file's order.

    Raises:
        Refused: a value has two sources, or the graph has a cycle.
    """
    producer: dict[str, Node] = {}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in producer:
                raise Refused(f"value {name!r} has more than one source")
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
        raise Refused(f"the graph has a cycle at {nodes[stuck].title}")
    return result


def _live(producer: Mapping[str, Node], outputs: Set[str]) -> set[int]:
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
