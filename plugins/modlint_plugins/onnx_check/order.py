"""The order of a graph's nodes: sorted as runtimes do it, or a cycle."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

from modlint.analysis.onnx_check import Problem
from modlint_plugins.onnx_check.structure import node_label, subgraphs, text

_SHOWN = 4


def sort_nodes(graph: Any) -> Problem | None:
    """Put the nodes of a graph in order, in place.

    Returns:
        The problem that keeps it from being done: nodes that wait for one another.
    """
    nodes = list(graph.node)
    producer = {text(name): index for index, node in enumerate(nodes) for name in node.output}
    needs = [
        {producer[name] for name in _free_names(node) if name and name in producer}
        for node in nodes
    ]
    order = _sorted(needs)
    if len(order) < len(nodes):
        return _cycle(nodes, needs, set(range(len(nodes))).difference(order))
    if order != list(range(len(nodes))):
        copies = [type(nodes[i]).FromString(nodes[i].SerializeToString()) for i in order]
        graph.ClearField("node")
        graph.node.extend(copies)
    return None


def _sorted(needs: Sequence[set[int]]) -> list[int]:
    """Indices, each after what it needs and otherwise as given; those in or after cycles lack."""
    readers: list[list[int]] = [[] for _ in needs]
    waiting = [len(wanted) for wanted in needs]
    for index, wanted in enumerate(needs):
        for other in wanted:
            readers[other].append(index)
    ready = [index for index, count in enumerate(waiting) if not count]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    return order


def _cycle(nodes: list[Any], needs: Sequence[set[int]], left: set[int]) -> Problem:
    """The cycle that is met by going back from any node that could not be placed."""
    seen: dict[int, int] = {}
    index = min(left)
    while index not in seen:
        seen[index] = len(seen)
        index = min(needs[index] & left)
    labels = [node_label(nodes[i]) for i, place in seen.items() if place >= seen[index]]
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    more = ", …" if len(labels) > _SHOWN else ""
    return Problem("cycle", f"the graph has a cycle, through {shown}{more}", labels[0])


def _free_names(node: Any) -> set[str]:
    """Names that a node reads from the graph it stands in, through its subgraphs too."""
    names = {*map(text, node.input)}
    for graph in subgraphs(node):
        names |= _free_names_of_graph(graph)
    return names


def _free_names_of_graph(graph: Any) -> set[str]:
    read = {text(value.name) for value in graph.output}
    own = {text(value.name) for value in graph.input}
    own |= {text(tensor.name) for tensor in graph.initializer}
    own |= {text(sparse.values.name) for sparse in graph.sparse_initializer}
    for node in graph.node:
        read |= _free_names(node)
        own.update(map(text, node.output))
    return read - own
