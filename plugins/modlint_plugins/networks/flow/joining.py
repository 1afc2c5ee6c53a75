"""Channels that become one: added or multiplied element by element, or summed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np

from modlint.network import JoinKind
from modlint_plugins.networks.flow.labels import NONE, LabelArray, distinct_pairs
from modlint_plugins.networks.flow.nodes import JoinNode, Node
from modlint_plugins.networks.flow.summing import Sums
from modlint_plugins.networks.flow.table import NodeTable


class Joiner:
    """Joins labels; the same labels are joined once.

    Attributes:
        table: where the joins are noted.
    """

    def __init__(self, table: NodeTable) -> None:
        self.table = table
        self._made: dict[tuple[str, bytes, bytes], Node] = {}
        self._sums = Sums(table.owner)

    def joined(self, kind: JoinKind, a: LabelArray, b: LabelArray) -> LabelArray:
        """Labels of what joins two arrays of labels, broadcast to one shape."""
        wide = [_is_spread(*pair) for pair in ((a, b), (b, a))]
        a, b = np.broadcast_arrays(a, b)
        out = np.where(a == NONE, b, a)
        out = np.where((a < NONE) | (b < NONE), np.minimum(a, b), out)
        both = (a != b) & (a > NONE) & (b > NONE)
        if both.any():
            out[both] = self._join_node(kind, a[both], b[both], wide)
        return out

    def merged(self, labels: LabelArray, axes: Iterable[int]) -> LabelArray:
        """Labels joined along axes: those axes have size 1."""
        for axis in axes:
            if labels.shape[axis] > 1:
                parts = np.split(labels, labels.shape[axis], axis)
                labels = reduce(lambda a, b: self.joined("sum", a, b), parts)
        return labels

    def summed(self, labels: LabelArray, axes: Sequence[int], join: bool) -> LabelArray:
        """Labels of a sum along axes, which have size 1 then; 0 where nothing stays."""
        chosen = self._sums.chosen(labels, axes, join)
        found = np.zeros(len(chosen), dtype=np.int64)
        for count in {len(c) for c in chosen} - {0}:
            places = np.array([i for i, c in enumerate(chosen) if len(c) == count])
            columns = np.array([sorted(chosen[i]) for i in places]).T
            found[places] = reduce(lambda a, b: self.joined("sum", a, b), columns)
        if found.any() and not found.all():
            for node in self.table.of(labels):
                node.exposed = True
        return found.reshape([1 if axis in axes else n for axis, n in enumerate(labels.shape)])

    def _join_node(
        self, kind: JoinKind, a: LabelArray, b: LabelArray, wide: Sequence[bool]
    ) -> LabelArray:
        """The labels of what joins two vectors of labels, either of which may be broadcast."""
        pairs, place = distinct_pairs(a, b)
        apart = [
            self._met_often(*each)
            for each, is_wide in zip((pairs, pairs[::-1]), wide, strict=True)
            if is_wide
        ]
        key = (kind, pairs[0].tobytes(), pairs[1].tobytes())
        node = self._made.get(key)
        if node is None:
            size = pairs.shape[1]
            own = np.arange(size)
            node = JoinNode(
                name=f"{kind} {len(self.table.nodes)}",
                size=size,
                base=self.table.allocate(size),
                kind=kind,
                operands=[(pairs[0], own), (pairs[1], own)],
                apart=np.concatenate(apart) if apart else None,
            )
            self._made[key] = node
            self.table.add(node)
        return node.base + place

    def _met_often(self, labels: LabelArray, others: LabelArray) -> LabelArray:
        """Labels that are beside several channels of one node."""
        owner = np.searchsorted(self.table.bases, others, side="right")
        met, place = distinct_pairs(labels, owner)
        return np.unique(met[0][np.bincount(place) > 1])


def _is_spread(a: LabelArray, b: LabelArray) -> bool:
    """Whether the first is the same along an axis along which the second differs."""
    return any(n == 1 < m for n, m in zip(a.shape, b.shape, strict=True))
