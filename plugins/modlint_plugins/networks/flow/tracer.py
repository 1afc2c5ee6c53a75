"""Follows channels through operations: what a front end calls for each of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from modlint.network import OFFSET, RELU_LIKE, ZERO_AT_ZERO, CallKind, JoinKind
from modlint.verdict import Confidence
from modlint_plugins.networks.flow import altering, contraction, gates, origins
from modlint_plugins.networks.flow.joining import Joiner
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
    JoinNode,
    Node,
    NormTensors,
    PointNode,
    Weighted,
)
from modlint_plugins.networks.flow.statistics import normed
from modlint_plugins.networks.flow.table import NodeTable
from modlint_plugins.networks.flow.traced import Origin, Traced, parts_of

Move = Callable[..., NDArray[np.int64] | Sequence[NDArray[np.int64]]]


class Tracer:
    """The nodes that a walk over a network's operations has made.

    Attributes:
        lost: why tensors were not followed, by their number.
        apart: labels, and the part (head of an attention) in which each has to stay.
    """

    def __init__(self) -> None:
        self.apart: list[tuple[LabelArray, NDArray[np.int64]]] = []
        self.lost: dict[str, int] = {}
        self._table = NodeTable()
        self._joiner = Joiner(self._table)

    @property
    def nodes(self) -> list[Node]:
        """In the order in which they were made; operands before their readers, but for delays."""
        return self._table.nodes

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
        return self.unlabelled(shape, Origin(name, parts=parts_of(read)))

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
        for x in read:
            for node in self._table.of(x.labels):
                node.exposed = True

    @property
    def position(self) -> altering.Position:
        """How far it is, for `noted`."""
        return altering.Position(*self._table.position)

    def noted(self, since: altering.Position, results: object, care: altering.Care) -> None:
        """Note what an operation has done to the numbers, since a position."""
        altering.note(self._table, since, results, care)

    def altered(self, *tensors: Traced) -> None:
        """Note tensors whose numbers are not those that their nodes' operations make."""
        altering.alter(self._table, tensors)

    def output(self, *results: Traced) -> None:
        """Note which tensors are the network's results, or what statistics as results are of."""
        for x in results:
            parts = x.origin.parts if x.is_unlabelled and x.origin is not None else None
            for node in self._table.of(x.labels if parts is None else parts):
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
            base=self._table.allocate(weight.size),
            kind=kind,
            weight=weight,
            confidence=confidence,
        )
        if x is not None:
            self.read(node, x, axis)
        self._table.add(node)
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
            base=self._table.allocate(weights[1].size),
            weight=weights[1],
        )
        self._table.add(state)
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
            origin = Origin(name, is_input, parts_of(moved))
        several = len(results) > 1 and origin is not None
        normed = moved[0].normed if len(moved) == 1 else None
        return [
            Traced(
                tuple(shape),
                squashed(labels),
                replace(origin, name=f"{name}.{i}", nodes={}) if several and origin else origin,
                normed,
            )
            for i, (shape, labels) in enumerate(results)
        ]

    def concat(self, name: str, axis: int, *parts: Traced) -> Traced:
        """Tensors side by side; an input beside channels has channels along the same axis."""
        parts = self.beside(axis % parts[0].rank, *parts)
        (out,) = self.move(name, lambda *labels: np.concatenate(labels, axis), *parts)
        return out

    def beside(self, axis: int, *parts: Traced) -> tuple[Traced, ...]:
        """Tensors that are put side by side, with the channels of inputs among them.

        Inputs have channels along the axis where some part has; several inputs of two axes, of
        examples and of features, have them in any case.
        """
        tables = axis == 1 and all(origins.is_table(x) for x in parts)
        if tables or any(x.labels.shape[axis] > 1 for x in parts):
            return tuple(self.claimed(x, axis) for x in parts)
        return parts

    def activation(
        self, name: str, x: Traced, slope: str | None = None, axis: int | None = None
    ) -> Traced:
        """A function of each element alone; with a slope for each index along an axis."""
        if slope is None or axis is None:
            return self._pointed(x, x.labels, None, activation=name)
        axis %= x.rank
        x = self.claimed(x, axis)
        elements = along(np.arange(x.shape[axis]), axis, x.rank)
        return self._pointed(x, x.labels, elements, activation=name, slope=slope)

    def offset(self, x: Traced) -> Traced:
        """A tensor to which something is added that carries no channel.

        Behind an activation that makes no zero of zero nothing more is to be told.
        """
        node = self._table.at(x.labels)
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
        if tensors.kind == "affine" and tensors.scale and x.normed in ("layer", "rms"):
            tensors = replace(tensors, kind=x.normed)
        return self._pointed(x, x.labels, elements, norm=tensors)

    def pooled(self, x: Traced, axes: Iterable[int], shape: Sequence[int]) -> Traced:
        """A tensor of other sizes whose elements come of all along `axes`, channel by channel."""
        return Traced(tuple(shape), self._joiner.merged(x.labels, axes), x.origin)

    def join(self, kind: JoinKind, *operands: Traced) -> Traced:
        """Tensors that are added or multiplied element by element, broadcast to one shape."""
        shape = broadcast(x.shape for x in operands)
        if len(operands) == 2 and (of_one := gates.of_one(self._table, kind, *operands)):
            return self.activation(*of_one)
        operands = origins.claimed_alike(self._table, operands)
        if any(x.is_lost for x in operands):
            self.expose(*operands)
        for x in operands:
            self._keep_apart_of(x, [y for y in operands if y.is_unlabelled])
        labels = reduce(
            lambda a, b: self._joiner.joined(kind, a, b),
            [with_rank(x.labels, len(shape)) for x in operands],
        )
        origin = next(
            (x.origin for x in operands if x.origin is not None and x.shape == shape), None
        )
        if not labels.any() and origin is None:
            origin = Origin(next((x.origin.name for x in operands if x.origin), "value"))
        kept = normed(self._table, kind, *operands) if len(operands) == 2 else None
        return Traced(shape, squashed(labels), None if labels.any() else origin, kept)

    def reduced(self, name: str, x: Traced, axes: Iterable[int], keep: bool) -> Traced:
        """The sum, mean or extreme along axes.

        Channels at most places along them stay; few that lie side by side are joined, unless they
        are all channels of a layer. The rest is a statistic of them.
        """
        axes = sorted({axis % x.rank for axis in axes})
        varying = [axis for axis in axes if x.labels.shape[axis] > 1]
        kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
        shape = kept if keep else tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
        labels = self._joiner.summed(x.labels, varying, join=True) if varying else x.labels
        if varying and not labels.any():
            return self.forgotten(name, shape, x)
        if not keep:
            labels = labels.reshape([n for axis, n in enumerate(labels.shape) if axis not in axes])
        return Traced(shape, squashed(labels), x.origin and replace(x.origin, name=name, nodes={}))

    def contracted(
        self, name: str, letters: tuple[str, str, str], a: Traced, b: Traced, shape: Sequence[int]
    ) -> Traced:
        """Einsum of two tensors that depend on the input: `letters` name the axes of a, b, out.

        Channels of an operand that are at most places along what is summed are in the result;
        channels of two that both vary there meet.
        """
        varies = self.meet(letters, a, b)
        parts = [
            Traced(tuple(shape), contraction.summed(self._joiner, x, own, letters[2]), x.origin)
            for x, own in ((a, letters[0]), (b, letters[1]))
        ]
        if all(x.is_unlabelled for x in parts):
            return self.forgotten(name, shape, *((a, b) if varies else ()))
        if any(x.is_unlabelled for x in parts):  # an adjacency matrix: no channels of the other
            return next(x for x in parts if not x.is_unlabelled)
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
        if all(varies) and not contraction.noted_meeting(self._table, letters, a, b, summed):
            self.expose(a, b)
        shared = set(letters[0]) & set(letters[1]) & set(letters[2])
        for x, own in ((a, letters[0]), (b, letters[1])):
            self.keep_apart(x, [i for i, letter in enumerate(own) if letter in shared])
        return any(varies)

    def keep_apart(self, x: Traced, axes: Iterable[int]) -> None:
        """Note that channels at different places along axes have something of their own.

        What they are contracted with in an attention of several heads, or constants that are no
        tensor with an element for each channel.
        """
        axes = [axis % x.rank for axis in axes if x.labels.shape[axis] > 1]
        if axes:
            sizes = [n if i in axes else 1 for i, n in enumerate(x.labels.shape)]
            parts = np.broadcast_to(np.arange(math.prod(sizes)).reshape(sizes), x.labels.shape)
            present = x.labels > NONE
            self.apart.append((x.labels[present], parts[present]))

    def node_of(self, x: Traced) -> Node | None:
        """The one node whose channels a tensor carries; None where they are those of several."""
        return self._table.at(x.labels)

    def nodes_of(self, labels: LabelArray) -> Iterable[Node]:
        """The nodes whose channels labels are."""
        return self._table.of(labels)

    def behind(self, node: Node) -> Iterable[Node]:
        """The nodes that a node which is no call reads."""
        read = [node.operand] if isinstance(node, PointNode) else []
        if isinstance(node, JoinNode):
            read += [labels for labels, _ in node.operands]
            read += [] if node.parts is None else [node.parts]
        return self.nodes_of(np.concatenate(read)) if read else ()

    def claimed(self, x: Traced, axis: int) -> Traced:
        """The tensor with its origin's channels along an axis, where it has no labels."""
        return origins.claimed(self._table, x, axis)

    # -- inside

    def _pointed(
        self,
        x: Traced,
        labels: LabelArray,
        elements: NDArray[np.int64] | None,
        norm: NormTensors | None = None,
        activation: str | None = None,
        slope: str | None = None,
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
            base=self._table.allocate(size),
            operand=pairs[0],
            norm=norm,
            elements=None if elements is None else pairs[1],
            activation=activation,
            slope=slope,
        )
        self._table.add(node)
        out = np.array(labels)
        out[present] = node.base + place
        return replace(x, labels=squashed(out), normed=None)

    def _keep_apart_of(self, x: Traced, others: Sequence[Traced]) -> None:
        """Note which channels meet different elements of what carries no channel."""
        for other in others:
            most = min(x.rank, other.rank)
            self.keep_apart(x, [-i for i in range(1, most + 1) if other.shape[-i] > 1])
