"""What stays of channels that are summed: those at most places, and few that are side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from modlint_plugins.networks.flow.labels import NONE, LabelArray
from modlint_plugins.networks.flow.nodes import CallNode, JoinNode, Node, PointNode

MOST_ELEMENTS = 1 << 20
"""Labels of one sum that are compared."""
MOST_JOINED = 16
"""Channels that are one neuron where they are summed."""


@dataclass
class Sums:
    """Judges sums of the channels of a tracer.

    Attributes:
        owner: the node one of whose channels a label is.
    """

    owner: Callable[[int], Node]
    _leaves: dict[int, frozenset[int]] = field(default_factory=dict)
    _roots: dict[int, frozenset[int]] = field(default_factory=dict)

    def chosen(self, labels: LabelArray, axes: Sequence[int], join: bool) -> list[frozenset[int]]:
        """For each place of the other axes, in order, the channels that its sum is of.

        Args:
            labels: of what is summed.
            axes: those that are summed over.
            join: whether few channels at different places are joined, as branches are.
        """
        lines = np.moveaxis(labels, axes, range(len(axes)))
        count = int(np.prod(lines.shape[: len(axes)]))
        if labels.size > MOST_ELEMENTS:
            return [frozenset()] * (labels.size // count)
        rows, place = np.unique(lines.reshape(count, -1).T, axis=0, return_inverse=True)
        found = [self._of_line(row, join) for row in rows]
        return [found[i] for i in place.reshape(-1)]

    def _of_line(self, row: NDArray[np.int64], join: bool) -> frozenset[int]:
        distinct, counts = np.unique(row, return_counts=True)
        if distinct[0] < NONE:
            return frozenset({int(distinct[0])})
        if len(distinct) == 1 and distinct[0] == NONE:
            return frozenset()
        present = [int(label) for label in distinct if label != NONE]
        if join and len(present) <= MOST_JOINED and not self._collects_a_node(present):
            return frozenset(present)
        most = counts[distinct != NONE].max() * 2 > len(row)
        if len(present) == 1:
            return frozenset(present) if most else frozenset()
        votes: Counter[int] = Counter()
        for label, times in zip(distinct, counts, strict=True):
            for leaf in self.leaves(int(label)) if label != NONE else ():
                votes[leaf] += int(times)
        return frozenset(leaf for leaf, times in votes.items() if times * 2 > len(row))

    def _collects_a_node(self, labels: Sequence[int]) -> bool:
        """Whether all channels of a call or an input of more than two are among those behind."""
        if len(labels) < 3:
            return False
        behind = frozenset[int]().union(*(self._root(label) for label in labels))
        nodes = {id(node): node for node in map(self.owner, behind)}
        if all(node.size <= 2 for node in nodes.values()):
            return False
        held = Counter(id(self.owner(label)) for label in behind)
        return any(node.size > 2 and held[key] == node.size for key, node in nodes.items())

    def leaves(self, label: int) -> frozenset[int]:
        """The channels that a label's neuron is joined of."""
        if label not in self._leaves:
            node = self.owner(label)
            self._leaves[label] = frozenset({label})
            if isinstance(node, JoinNode) and node.kind in ("sum", "product"):
                self._leaves[label] = self._behind(node, label, self.leaves) or frozenset({label})
        return self._leaves[label]

    def _root(self, label: int) -> frozenset[int]:
        """The channels of calls and inputs that a label comes of, channel by channel."""
        if label not in self._roots:
            node = self.owner(label)
            self._roots[label] = frozenset({label})
            if isinstance(node, PointNode):
                self._roots[label] = self._root(int(node.operand[label - node.base]))
            elif not isinstance(node, CallNode):
                self._roots[label] = self._behind(node, label, self._root) or frozenset({label})
        return self._roots[label]

    def _behind(
        self, node: Node, label: int, trace: Callable[[int], frozenset[int]]
    ) -> frozenset[int]:
        if not isinstance(node, JoinNode):
            return frozenset()
        own = label - node.base
        parts = [labels[channels == own] for labels, channels in node.operands]
        return frozenset[int]().union(*(trace(int(x)) for part in parts for x in part))
