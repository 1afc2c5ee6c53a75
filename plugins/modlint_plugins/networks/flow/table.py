"""The nodes of a walk, found by the labels of their channels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from modlint_plugins.networks.flow.labels import LabelArray
from modlint_plugins.networks.flow.nodes import Node, PointNode
from modlint_plugins.networks.flow.traced import present

MOST_CHANNELS = 1 << 22
"""Of one value."""


class NodeTable:
    """Nodes in the order in which they were made, each with labels of its own.

    Attributes:
        nodes: in that order.
        bases: first labels of nodes that have channels, ascending.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.bases: list[int] = []
        self._next = 1
        self._owners: dict[int, Node] = {}

    def allocate(self, size: int) -> int:
        """The first of as many labels as a node has channels.

        Raises:
            ValueError: there are more than are followed.
        """
        if size > MOST_CHANNELS:
            raise ValueError(f"{size:,} channels are too many to be followed")
        base, self._next = self._next, self._next + size
        if size:
            self.bases.append(base)
        return base

    @property
    def position(self) -> tuple[int, int]:
        """Number of nodes, and the label that the next one begins with."""
        return len(self.nodes), self._next

    def add(self, node: Node) -> None:
        """Note a node whose labels were allocated."""
        self.nodes.append(node)
        self._owners[node.base] = node

    def owner(self, label: int) -> Node:
        """The node one of whose channels a label is."""
        return self._owners[self.bases[bisect_right(self.bases, label) - 1]]

    def at(self, labels: LabelArray) -> Node | None:
        """The one node whose channels labels are; None where they are those of several."""
        found = present(labels)
        if not found.size:
            return None
        node = self.owner(int(found[0]))
        return node if found[-1] < node.base + node.size else None

    def of(self, labels: LabelArray) -> Iterator[Node]:
        """The nodes whose channels labels are, in order."""
        found = present(labels)
        place = 0
        while place < len(found):
            node = self.owner(int(found[place]))
            yield node
            place = int(np.searchsorted(found, node.base + node.size))

    def bare(self, labels: LabelArray) -> LabelArray:
        """The distinct channels that activations and norms were applied to, in order."""
        found, waiting = list[LabelArray](), [present(labels)]
        while waiting:
            some = waiting.pop()
            for node in self.of(some):
                own = some[(some >= node.base) & (some < node.base + node.size)]
                if isinstance(node, PointNode):
                    waiting.append(np.unique(node.operand[own - node.base]))
                else:
                    found.append(own)
        return np.unique(np.concatenate(found)) if found else present(labels)
