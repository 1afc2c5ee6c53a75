"""Follows channels through operations: what a front end calls for each of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from modlint.network import OFFSET, RELU_LIKE, ZERO_AT_ZERO, CallKind, JoinKind
from modlint.verdict import Confidence
from modlint_plugins.networks.flow.labels import (
    NONE,
    LabelArray,
    along,
    broadcast,
    by_column,
    distinct_pairs,
    squashed,
    uniform,
    with_rank,
)
from modlint_plugins.networks.flow.nodes import (
    CallNode,
    InputNode,
    JoinNode,
    Node,
    NormTensors,
    PointNode,
    Weighted,
)
from modlint_plugins.networks.flow.summing import Sums

Shape = tuple[int, ...]
Move = Callable[..., NDArray[np.int64] | Sequence[NDArray[np.int64]]]

MOST_CHANNELS = 1 << 22
"""Of one value."""

_GATED = {
    "sigmoid": "silu",
    "hardsigmoid": "hardswish",
    "erf": "gelu",
    "tanh": "gelu",
    "softplus": "mish",
    "abs": "softsign",
}
"""What x·f(x) is called."""

_THROUGH = frozenset(_GATED) | {OFFSET}
"""What may lie between x and f(x)."""


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a tensor without labels comes from: what reads it makes its neurons known.

    Attributes:
        name: what it is called.
        is_input: the network's input, as it is or moved.
        parts: labels of the channels that went into it, of a statistic or a meeting.
    """

    name: str
    is_input: bool = False
    parts: LabelArray | None = None
    nodes: dict[tuple[int, int], Node] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Traced:
    """A tensor that depends on the network's input.

    Attributes:
        shape: sizes.
        labels: labels of its elements, squashed.
        origin: where it comes from, of one without labels.
    """

    shape: Shape
    labels: LabelArray
    origin: Origin | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def is_lost(self) -> bool:
        """Whether some element could not be followed."""
        return bool((self.labels < NONE).any())

    @property
    def is_unlabelled(self) -> bool:
        """Whether no element carries a channel."""
        return not self.labels.any()

    @property
    def full(self) -> LabelArray:
        """The labels of every element, read-only."""
        return np.broadcast_to(self.labels, self.shape)


class Tracer:
    """The nodes that a walk over a network's operations has made.

    Attributes:
        nodes: in the order in which they were made; an operand's node comes before its reader's,
            but for delayed calls.
        lost: why tensors were not followed, by their number.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.lost: dict[str, int] = {}
        self._next = 1
        self._owners: dict[int, Node] = {}
        self._bases: list[int] = []
        self._joined: dict[tuple[str, bytes, bytes], Node] = {}
        self._sums = Sums(self._owner)

    # -- tensors without labels

    def input(self, name: str, shape: Sequence[int]) -> Traced:
        """An input of the network."""
        return self.unlabelled(shape, Origin(name, is_input=True))

    def unlabelled(self, shape: Sequence[int], origin: Origin) -> Traced:
        """A tensor that carries no channel."""
        return Traced(tuple(shape), uniform(NONE, len(shape)), origin)

    def forgotten(self, name: str, shape: Sequence[int], *read: Traced) -> Traced:
        """A tensor that depends on others but carries no channel of theirs: a softmax, a route."""
        lost = next((x for x in read if x.is_lost), None)
        if lost is not None:
            self.expose(*read)
            return Traced(tuple(shape), uniform(int(lost.labels.min()), len(shape)))
        return self.unlabelled(shape, Origin(name, parts=_parts(read)))

    def stopped(self, shape: Sequence[int], reason: str, *read: Traced) -> Traced:
        """A tensor that could not be followed; what it reads is exposed."""
        self.lost[reason] = self.lost.get(reason, 0) + 1
        self.expose(*read)
        return Traced(tuple(shape), uniform(-1 - list(self.lost).index(reason), len(shape)))

    def reason(self, x: Traced) -> str | None:
        """Why a tensor, or part of it, was not followed."""
        return list(self.lost)[-1 - int(x.labels.min())] if x.is_lost else None

    def expose(self, *read: Traced) -> None:
        """Note that something reads tensors which is not followed."""
        for node in self._nodes_of(read):
            node.exposed = True

    def output(self, *results: Traced) -> None:
        """Note which tensors are the network's results, or what statistics as results are of."""
        parts = [
            Traced(x.origin.parts.shape, x.origin.parts)
            for x in results
            if x.is_unlabelled and x.origin is not None and x.origin.parts is not None
        ]
        for node in self._nodes_of((*results, *parts)):
            node.is_output = True

    # -- weights

    def call(
        self,
        name: str,
        kind: CallKind,
        weight: Weighted,
        x: Traced | None,
        axis: int,
        shape: Sequence[int],
        out_axis: int,
        confidence: Confidence = Confidence.HIGH,
    ) -> Traced:
        """What a weight makes of a tensor with channels along `axis`; None for an embedding."""
        node = CallNode(
            name=name,
            size=weight.size,
            base=self._allocate(weight.size),
            kind=kind,
            weight=weight,
            confidence=confidence,
        )
        if x is not None:
            self.read(node, x, axis)
        self._add(node)
        return Traced(tuple(shape), squashed(along(node.labels, out_axis % len(shape), len(shape))))

    def read(self, node: CallNode, x: Traced, axis: int) -> None:
        """Note what a weight's columns read."""
        size = node.weight.columns
        if x.is_lost or x.shape[axis % x.rank] != size:
            channels = x.shape[axis % x.rank]
            node.unread = self.reason(x) or f"reads {channels} channels through {size} columns"
            self.expose(x)
            return
        found = by_column(self.claimed(x, axis).labels, axis, size)
        for labels in found.T:
            columns = np.flatnonzero(labels)
            node.reads.append((labels[columns], columns))

    def recurrent(
        self,
        name: str,
        weights: tuple[Weighted, Weighted],
        x: Traced,
        axis: int,
        shape: Sequence[int],
        out_axis: int,
        activation: str = "tanh",
        initial: Traced | None = None,
    ) -> tuple[Traced, Node]:
        """The hidden state of one direction of a recurrent layer, which reads itself later.

        `initial` is the state that it begins with, its channels along the last axis.
        """
        into = self.call(name, "recurrent", weights[0], x, axis, shape, out_axis)
        state = CallNode(
            name=f"{name} (state)",
            size=weights[1].size,
            delay=1,
            kind="recurrent",
            base=self._allocate(weights[1].size),
            weight=weights[1],
        )
        self._add(state)
        back = Traced(tuple(shape), along(state.labels, out_axis % len(shape), len(shape)))
        hidden = self.activation(activation, self.join("sum", into, back))
        last = self.nodes[-1]
        state.reads.append((last.labels, np.arange(last.size)))
        if initial is not None and not initial.is_unlabelled:
            self.read(state, initial, -1)
        return hidden, last

    # -- channel by channel

    def move(self, name: str, function: Move, *moved: Traced) -> list[Traced]:
        """What an operation that only moves elements makes: it is run on their labels."""
        out = function(*(x.full for x in moved))
        results = [out] if isinstance(out, np.ndarray) else list(out)
        return self.moved(name, [(r.shape, r) for r in results], *moved)

    def moved(
        self, name: str, results: Sequence[tuple[Sequence[int], LabelArray]], *moved: Traced
    ) -> list[Traced]:
        """Tensors of which shapes and labels are known, made by moving elements of others."""
        origin = None
        if all(x.is_unlabelled for x in moved):
            is_input = any(x.origin is not None and x.origin.is_input for x in moved)
            origin = Origin(name, is_input, _parts(moved))
        several = len(results) > 1 and origin is not None
        return [
            Traced(
                tuple(shape),
                squashed(labels),
                replace(origin, name=f"{name}.{i}", nodes={}) if several and origin else origin,
            )
            for i, (shape, labels) in enumerate(results)
        ]

    def concat(self, name: str, axis: int, *parts: Traced) -> Traced:
        """Tensors side by side; an input beside channels has channels along the same axis."""
        axis %= parts[0].rank
        if any(x.labels.shape[axis] > 1 for x in parts):
            parts = tuple(self.claimed(x, axis) for x in parts)
        (out,) = self.move(name, lambda *labels: np.concatenate(labels, axis), *parts)
        return out

    def activation(self, name: str, x: Traced) -> Traced:
        """A function of each element alone."""
        return self._pointed(x, x.labels, None, activation=name)

    def offset(self, x: Traced) -> Traced:
        """A tensor to which something is added that carries no channel.

        Behind an activation that makes no zero of zero nothing more is to be told.
        """
        node = self._node_at(x.labels)
        name = node.activation if isinstance(node, PointNode) else None
        if name is not None and name not in ZERO_AT_ZERO | RELU_LIKE:
            return x
        return self.activation(OFFSET, x)

    def norm(self, tensors: NormTensors, x: Traced, axis: int, start: int = 0) -> Traced:
        """A norm, or a scale or shift, with an element for each index along an axis.

        `start` is the element of index 0.
        """
        axis %= x.rank
        x = self.claimed(x, axis)
        elements = along(np.arange(start, start + x.shape[axis]), axis, x.rank)
        return self._pointed(x, x.labels, elements, norm=tensors)

    def pooled(self, x: Traced, axes: Iterable[int], shape: Sequence[int]) -> Traced:
        """A tensor of other sizes whose elements come of all along `axes`, channel by channel."""
        return Traced(tuple(shape), self._merged(x.labels, axes), x.origin)

    def join(self, kind: JoinKind, *operands: Traced) -> Traced:
        """Tensors that are added or multiplied element by element, broadcast to one shape."""
        shape = broadcast(x.shape for x in operands)
        if kind == "product" and len(operands) == 2:
            gated = self._self_gated(*operands) or self._self_gated(*reversed(operands))
            if gated is not None:
                return gated
        operands = self._claimed_alike(operands)
        if any(x.is_lost for x in operands):
            self.expose(*operands)
        labels = reduce(
            lambda a, b: self._joined_labels(kind, a, b),
            [with_rank(x.labels, len(shape)) for x in operands],
        )
        origin = next(
            (x.origin for x in operands if x.origin is not None and x.shape == shape), None
        )
        if not labels.any() and origin is None:
            origin = Origin(next((x.origin.name for x in operands if x.origin), "value"))
        return Traced(shape, squashed(labels), None if labels.any() else origin)

    def reduced(self, name: str, x: Traced, axes: Iterable[int], keep: bool) -> Traced:
        """The sum, mean or extreme along axes.

        Channels at most places along them stay; few that lie side by side are joined, unless they
        are all channels of a layer. The rest is a statistic of them.
        """
        axes = sorted({axis % x.rank for axis in axes})
        varying = [axis for axis in axes if x.labels.shape[axis] > 1]
        kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
        shape = kept if keep else tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
        labels = self._summed(x.labels, varying, join=True) if varying else x.labels
        if varying and not labels.any():
            return self.forgotten(name, shape, x)
        if not keep:
            labels = labels.reshape([n for axis, n in enumerate(labels.shape) if axis not in axes])
        return Traced(shape, squashed(labels), self._origin_of_same(name, x))

    def contracted(
        self, name: str, letters: tuple[str, str, str], a: Traced, b: Traced, shape: Sequence[int]
    ) -> Traced:
        """Einsum of two tensors that depend on the input: `letters` name the axes of a, b, out.

        Channels of an operand that are at most places along what is summed are in the result;
        channels of two that both vary there meet.
        """
        varies = self.meet(letters, a, b)
        parts = [
            Traced(tuple(shape), self._lettered_sum(x, own, letters[2]), x.origin)
            for x, own in ((a, letters[0]), (b, letters[1]))
        ]
        if all(x.is_unlabelled for x in parts):
            return self.forgotten(name, shape, *((a, b) if varies else ()))
        return self.join("product", *parts)

    def meet(self, letters: tuple[str, str, str], a: Traced, b: Traced) -> bool:
        """Note that channels of two tensors meet along what an einsum of both sums over.

        Returns:
            Whether channels of either are summed.
        """
        summed = (set(letters[0]) | set(letters[1])) - set(letters[2])
        varies = [
            any(x.labels.shape[i] > 1 for i, letter in enumerate(own) if letter in summed)
            for x, own in ((a, letters[0]), (b, letters[1]))
        ]
        if all(varies):
            self._meet(letters, a, b, summed)
        return any(varies)

    def node_of(self, x: Traced) -> Node | None:
        """The one node whose channels a tensor carries; None where they are those of several."""
        return self._node_at(x.labels)

    def nodes_of(self, labels: LabelArray) -> Iterable[Node]:
        """The nodes whose channels labels are."""
        return self._nodes_of([Traced(labels.shape, labels)])

    def behind(self, node: Node) -> Iterable[Node]:
        """The nodes that a node which is no call reads."""
        read = [node.operand] if isinstance(node, PointNode) else []
        if isinstance(node, JoinNode):
            read += [labels for labels, _ in node.operands]
            read += [] if node.parts is None else [node.parts]
        return self.nodes_of(np.concatenate(read)) if read else ()

    # -- inside

    def claimed(self, x: Traced, axis: int) -> Traced:
        """The tensor with its origin's channels along an axis, where it has no labels."""
        axis %= x.rank
        if x.origin is None or not x.is_unlabelled:
            return x
        key = (axis - x.rank, x.shape[axis])
        node = x.origin.nodes.get(key)
        if node is None:
            node = x.origin.nodes[key] = self._origin_node(x.origin, x.shape[axis])
        return replace(x, labels=squashed(along(node.labels, axis, x.rank)), origin=None)

    def _origin_node(self, origin: Origin, size: int) -> Node:
        base = self._allocate(size)
        node: Node
        if origin.parts is None:
            node = InputNode(name=origin.name, size=size, base=base)
        else:
            node = JoinNode(
                name=origin.name,
                size=size,
                base=base,
                kind="statistic",
                operands=[],
                parts=origin.parts,
            )
        self._add(node)
        return node

    def _origin_of_same(self, name: str, x: Traced) -> Origin | None:
        return None if x.origin is None else replace(x.origin, name=name, nodes={})

    def _claimed_alike(self, operands: Sequence[Traced]) -> tuple[Traced, ...]:
        """Inputs get channels along the axis along which what they are joined with has its own."""
        axes = {
            axis - x.rank
            for x in operands
            for axis, n in enumerate(x.labels.shape)
            if n > 1 and not x.is_lost
        }
        if len(axes) != 1:
            return tuple(operands)
        (axis,) = axes
        size = max(x.shape[axis] for x in operands if x.rank >= -axis)
        return tuple(
            self.claimed(x, axis)
            if x.origin is not None
            and x.origin.is_input
            and x.rank >= -axis
            and x.shape[axis] == size
            else x
            for x in operands
        )

    def _joined_labels(self, kind: JoinKind, a: LabelArray, b: LabelArray) -> LabelArray:
        wide = [_is_spread(*pair) for pair in ((a, b), (b, a))]
        a, b = np.broadcast_arrays(a, b)
        out = np.where(a == NONE, b, a)
        out = np.where((a < NONE) | (b < NONE), np.minimum(a, b), out)
        both = (a != b) & (a > NONE) & (b > NONE)
        if both.any():
            out[both] = self._join_node(kind, a[both], b[both], wide)
        return out

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
        node = self._joined.get(key)
        if node is None:
            size = pairs.shape[1]
            own = np.arange(size)
            node = JoinNode(
                name=f"{kind} {len(self.nodes)}",
                size=size,
                base=self._allocate(size),
                kind=kind,
                operands=[(pairs[0], own), (pairs[1], own)],
                apart=np.concatenate(apart) if apart else None,
            )
            self._joined[key] = node
            self._add(node)
        return node.base + place

    def _met_often(self, labels: LabelArray, others: LabelArray) -> LabelArray:
        """Labels that are beside several channels of one node."""
        owner = np.searchsorted(self._bases, others, side="right")
        met, place = distinct_pairs(labels, owner)
        return np.unique(met[0][np.bincount(place) > 1])

    def _pointed(
        self,
        x: Traced,
        labels: LabelArray,
        elements: NDArray[np.int64] | None,
        norm: NormTensors | None = None,
        activation: str | None = None,
    ) -> Traced:
        """The tensor with a point node's labels for its own; without labels it stays as it is."""
        if elements is not None:
            labels, elements = (np.array(side) for side in np.broadcast_arrays(labels, elements))
        present = labels > NONE
        if not present.any():
            return x
        own = labels[present]
        which = np.zeros_like(own) if elements is None else elements[present]
        pairs, place = distinct_pairs(own, which)
        size = pairs.shape[1]
        node = PointNode(
            name=f"{activation or (norm and norm.kind)} {len(self.nodes)}",
            size=size,
            base=self._allocate(size),
            operand=pairs[0],
            norm=norm,
            elements=None if elements is None else pairs[1],
            activation=activation,
        )
        self._add(node)
        out = np.array(labels)
        out[present] = node.base + place
        return replace(x, labels=squashed(out))

    def _self_gated(self, x: Traced, gate: Traced) -> Traced | None:
        """x·f(x) as an activation of x; None where the gate is no function of x alone."""
        labels, names = gate.labels, list[str]()
        if x.shape != gate.shape:
            return None
        while isinstance(node := self._node_at(labels), PointNode) and node.activation in _THROUGH:
            names += [node.activation] if node.activation in _GATED else []
            place = np.clip(labels - node.base, 0, node.size - 1)
            labels = squashed(np.where(labels > NONE, node.operand[place], labels))
            if names and np.array_equal(labels, x.labels):
                name = "mish" if "softplus" in names else _GATED[names[0]]
                return self.activation(name, x)
        return None

    def _node_at(self, labels: LabelArray) -> Node | None:
        """The one node whose channels labels are; None where they are those of several."""
        present = _present(labels)
        if not present.size:
            return None
        node = self._owner(int(present[0]))
        return node if present[-1] < node.base + node.size else None

    def _merged(self, labels: LabelArray, axes: Iterable[int]) -> LabelArray:
        """Labels joined along axes: those axes have size 1."""
        for axis in axes:
            if labels.shape[axis] > 1:
                parts = np.split(labels, labels.shape[axis], axis)
                labels = reduce(lambda a, b: self._joined_labels("sum", a, b), parts)
        return labels

    def _lettered_sum(self, x: Traced, own: str, target: str) -> LabelArray:
        """Labels of axes `own`, summed over those that `target` lacks, with axes `target`."""
        gone = {letter for letter in own if letter not in target}
        varying = [i for i, c in enumerate(own) if c in gone and x.labels.shape[i] > 1]
        labels = self._summed(x.labels, varying, join=False) if varying else x.labels
        return _lettered(labels, own, target, gone)

    def _summed(self, labels: LabelArray, axes: Sequence[int], join: bool) -> LabelArray:
        """Labels of a sum along axes, which have size 1 then; 0 where nothing stays."""
        chosen = self._sums.chosen(labels, axes, join)
        found = np.zeros(len(chosen), dtype=np.int64)
        for count in {len(c) for c in chosen} - {0}:
            places = np.array([i for i, c in enumerate(chosen) if len(c) == count])
            columns = np.array([sorted(chosen[i]) for i in places]).T
            found[places] = reduce(lambda a, b: self._joined_labels("sum", a, b), columns)
        if found.any() and not found.all():
            self.expose(Traced(labels.shape, labels))
        return found.reshape([1 if axis in axes else n for axis, n in enumerate(labels.shape)])

    def _meet(self, letters: tuple[str, str, str], a: Traced, b: Traced, summed: set[str]) -> None:
        order = "".join(dict.fromkeys(letters[0] + letters[1]))
        sides = [
            _lettered(x.labels, own, order, set()) for x, own in ((a, letters[0]), (b, letters[1]))
        ]
        axes = [
            axis
            for axis, letter in enumerate(order)
            if letter not in summed
            and sides[0].shape[axis] != sides[1].shape[axis]
            and 1 not in (sides[0].shape[axis], sides[1].shape[axis])
        ]
        if axes:
            self.expose(a, b)
            return
        left, right = np.broadcast_arrays(*sides)
        both = (left > NONE) & (right > NONE)
        if both.any():
            pairs, _ = distinct_pairs(left[both], right[both])
            size = pairs.shape[1]
            own = np.arange(size)
            per_head = int(
                np.prod([left.shape[i] for i, letter in enumerate(order) if letter in summed])
            )
            self._add(
                JoinNode(
                    name=f"meeting {len(self.nodes)}",
                    size=size,
                    base=self._allocate(size),
                    kind="meeting",
                    operands=[(pairs[0], own), (pairs[1], own)],
                    heads=max(1, size // max(1, per_head)),
                )
            )

    def _nodes_of(self, tensors: Iterable[Traced]) -> Iterable[Node]:
        found = [_present(x.labels) for x in tensors]
        labels = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
        place = 0
        while place < len(labels):
            node = self._owner(int(labels[place]))
            yield node
            place = int(np.searchsorted(labels, node.base + node.size))

    def _owner(self, label: int) -> Node:
        """The node one of whose channels a label is."""
        return self._owners[self._bases[bisect_right(self._bases, label) - 1]]

    def _add(self, node: Node) -> None:
        self.nodes.append(node)
        self._owners[node.base] = node

    def _allocate(self, size: int) -> int:
        if size > MOST_CHANNELS:
            raise ValueError(f"{size:,} channels are too many to be followed")
        base, self._next = self._next, self._next + size
        if size:
            self._bases.append(base)
        return base


def _is_spread(a: LabelArray, b: LabelArray) -> bool:
    """Whether the first is the same along an axis along which the second differs."""
    return any(n == 1 < m for n, m in zip(a.shape, b.shape, strict=True))


def _present(labels: LabelArray) -> LabelArray:
    """The distinct channels among labels, in order."""
    return np.unique(labels[labels > NONE])


def _parts(tensors: Sequence[Traced]) -> LabelArray | None:
    """The channels of tensors, and those that went into tensors without any; None for none."""
    found = [np.zeros(0, dtype=np.int64), *(x.labels[x.labels > NONE] for x in tensors)]
    found += [x.origin.parts for x in tensors if x.origin and x.origin.parts is not None]
    parts = np.unique(np.concatenate(found))
    return parts if parts.size else None


def _lettered(labels: LabelArray, own: str, target: str, drop: set[str]) -> LabelArray:
    """Labels of axes `own` with axes `target`; those in `drop` are of size 1 and go."""
    cut = labels[tuple(0 if letter in drop else slice(None) for letter in own)]
    letters = [letter for letter in own if letter not in drop]
    order = sorted(range(len(letters)), key=lambda i: target.index(letters[i]))
    cut = cut.transpose(order)
    sizes = {letters[i]: n for i, n in zip(order, cut.shape, strict=True)}
    return cut.reshape([sizes.get(letter, 1) for letter in target])
