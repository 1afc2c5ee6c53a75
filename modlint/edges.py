"""Which channel of one weight's output is read by which column of another's.

Norms, activations, sums, products and statistics stand between two weights without being edges: an
edge leads from a call to the calls that read what it makes, through whatever is between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.network import Call, Join, Network, Operation, Span

MOST_PAIRS = 1 << 22
"""Pairs of a channel and a column of one network; a residual stream of n writers and readers of d
channels has n²d/2."""

Pairs = NDArray[np.int64]
"""Channels and columns: (2, pairs), in order, each pair once."""


class Edges(Struct, frozen=True, eq=False):
    """What one weight reads of another.

    Attributes:
        producer: call, or tensor, that makes the channels; None for an input of the network.
        consumer: call, or tensor, whose columns read them.
        pairs: (channel of the producer's output, column of the consumer): (2, pairs) int64.
    """

    producer: str | None
    consumer: str
    pairs: Pairs


def direct_edges(network: Network, most: int = MOST_PAIRS) -> Iterator[Edges]:
    """The edges between calls, by consumer in topological order.

    Args:
        network: a network that was rebuilt.
        most: pairs that are listed.

    Raises:
        Unavailable: there are more pairs.
    """
    walk = _Walk(network, most)
    for call in network.calls:
        yield from walk.into(call)


def tensor_edges(network: Network, most: int = MOST_PAIRS) -> Iterator[Edges]:
    """The edges between weight tensors: those of all calls that read them, together.

    Of a call that uses a part of a tensor, channels and columns are numbered as they are stored.

    Raises:
        Unavailable: there are more than `most` pairs.
    """
    calls = {call.name: call for call in network.calls}
    found: dict[tuple[str | None, str], list[Pairs]] = {}
    for edges in direct_edges(network, most):
        consumer, producer = calls[edges.consumer], calls.get(edges.producer or "")
        row = 0 if producer is None else _first(producer, network)[0]
        shift = np.array([[row], [_first(consumer, network)[1]]])
        pair = (None if producer is None else producer.weight, consumer.weight)
        found.setdefault(pair, []).append(edges.pairs + shift)
    for (made, read), parts in found.items():
        yield Edges(made, read, _distinct(parts))


def _first(call: Call, network: Network) -> tuple[int, int]:
    """Where in its tensor a call's first channel and column are stored, of a plain part."""
    if call.layout is None or call.groups > 1 or not call.layout.offset:
        return 0, 0
    offset, (_, row, column, _) = call.layout.offset, call.layout.strides
    outer, inner = max(row, column), min(row, column)
    first, second = offset // outer, offset % outer // inner
    gates = max(1, call.rows // network.value(call.target).size)
    return (first // gates, second) if row >= column else (second // gates, first)


class _Walk:
    """From a call back to the calls behind it."""

    def __init__(self, network: Network, most: int) -> None:
        self.network = network
        self.left = most
        self.place = {op.target: place for place, op in enumerate(network.operations)}

    def into(self, call: Call) -> Iterator[Edges]:
        """What a call reads of each call behind it."""
        found: dict[str, list[Pairs]] = {}
        for span in call.reads:
            found.setdefault(span.value, []).append(pairs_of(span))
        waiting = [-self.place.get(value, -1) for value in found]
        heapify(waiting)
        while waiting:
            place = -heappop(waiting)
            if place < 0:
                continue
            op = self.network.operations[place]
            parts = found.pop(op.target, None)
            if parts is None:
                continue
            yield from self._behind(op, call, self._counted(_distinct(parts)), found, waiting)
        for value in list(found):
            yield Edges(None, call.name, self._counted(_distinct(found[value])))

    def _behind(
        self,
        op: Operation,
        call: Call,
        pairs: Pairs,
        found: dict[str, list[Pairs]],
        waiting: list[int],
    ) -> Iterator[Edges]:
        """An edge from a call; of any other operation what it reads waits for its turn."""
        if isinstance(op, Call):
            yield Edges(op.name, call.name, pairs)
            return
        if isinstance(op, Join) and op.kind == "meeting":
            return
        for span in op.reads:
            behind = through(span, pairs)
            if behind.size:
                found.setdefault(span.value, []).append(behind)
                heappush(waiting, -self.place.get(span.value, -1))

    def _counted(self, pairs: Pairs) -> Pairs:
        self.left -= pairs.shape[1]
        if self.left < 0:
            raise Unavailable("its edges are more than are listed")
        return pairs


def pairs_of(span: Span) -> Pairs:
    """The channels of a span and their columns: (2, pairs)."""
    channels = np.repeat(np.asarray(span.channels, dtype=np.int64), span.each)
    starts = span.start + span.stride * np.arange(len(span.channels), dtype=np.int64)
    columns = (starts[:, None] + span.step * np.arange(span.each, dtype=np.int64)).reshape(-1)
    return np.stack([channels, columns])


def through(span: Span, pairs: Pairs) -> Pairs:
    """Pairs of a value's channels as pairs of the channels that a span makes them of."""
    channels, targets = pairs_of(span)
    order = np.argsort(targets, kind="stable")
    targets, channels = targets[order], channels[order]
    first = np.searchsorted(targets, pairs[0], side="left")
    count = np.searchsorted(targets, pairs[0], side="right") - first
    places = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    return np.stack([channels[places], np.repeat(pairs[1], count)])


def _distinct(parts: Iterable[Pairs]) -> Pairs:
    """Pairs in order, each once."""
    channels, columns = np.concatenate(list(parts), axis=1)
    width = int(columns.max(initial=0)) + 1
    keys = np.unique(channels * width + columns)
    return np.stack([keys // width, keys % width])
