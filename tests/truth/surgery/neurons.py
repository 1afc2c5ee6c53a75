"""Neurons of a claimed graph: channels and columns that its edges join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Vertex = tuple[str, str, int]  # "out" or "in", tensor, channel or column


@dataclass
class Neuron:
    """What belongs to one neuron: for each tensor its output channels and its input columns."""

    channels: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    columns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def pattern(self) -> tuple[Any, ...]:
        """What two neurons have in common that can change places."""
        parts = (self.channels, self.columns)
        return tuple(tuple(sorted((t, len(i)) for t, i in part.items())) for part in parts)

    @property
    def tensors(self) -> set[str]:
        """Every tensor that it touches."""
        return {*self.channels, *self.columns}


class _Union:
    def __init__(self) -> None:
        self.above: dict[Vertex, Vertex] = {}

    def find(self, vertex: Vertex) -> Vertex:
        while self.above.setdefault(vertex, vertex) != vertex:
            self.above[vertex] = self.above[self.above[vertex]]
            vertex = self.above[vertex]
        return vertex

    def join(self, a: Vertex, b: Vertex) -> None:
        self.above[self.find(a)] = self.find(b)


def neurons(edges: Iterable[Mapping[str, Any]], depthwise: Iterable[str] = ()) -> list[Neuron]:
    """The neurons of edges as `inspect --edges` writes them.

    Args:
        edges: {"from": tensor or null, "to": tensor, "columns": [[channel, column], …]}.
        depthwise: weights whose column c has channel c alone: the two are one neuron.
    """
    union, alike = _Union(), set(depthwise)
    for edge in edges:
        for channel, column in edge["columns"]:
            if edge["from"] is not None:
                union.join(("out", edge["from"], channel), ("in", edge["to"], column))
    for side, tensor, number in list(union.above):
        if tensor in alike:
            union.join((side, tensor, number), ("out" if side == "in" else "in", tensor, number))
    found: dict[Vertex, Neuron] = defaultdict(Neuron)
    for vertex in sorted(union.above):
        side, tensor, number = vertex
        neuron = found[union.find(vertex)]
        (neuron.channels if side == "out" else neuron.columns)[tensor].append(number)
    return list(found.values())
