"""Attentions of a network: which rows and columns of its weights are each head's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from modlint.network import Activation, Call, Join, Network, Norm
from modlint.numerics.graph.channels import Ints, indices_of, reads_of, rows_of


class Part(Struct, frozen=True, eq=False):
    """What of one weight the heads have.

    Attributes:
        call: that reads it.
        places: rows, or columns, of each head: (heads, size).
        by_column: whether they are columns.
    """

    call: Call
    places: Ints
    by_column: bool = False


class Attention(Struct, frozen=True, eq=False):
    """An attention of several heads: its queries, keys, values and outputs, in this order."""

    parts: tuple[Part, ...]

    @property
    def heads(self) -> int:
        """How many it has."""
        return len(self.parts[0].places)


def attentions(network: Network) -> Iterator[Attention]:
    """Those of which all parts are known, in topological order."""
    place = {op.target: i for i, op in enumerate(network.operations)}
    meetings = [op for op in network.operations if isinstance(op, Join) and op.kind == "meeting"]
    for i, join in enumerate(meetings):
        later = meetings[i + 1 : i + 2]
        end = place[later[0].target] if later else len(network.operations)
        after = network.operations[place[join.target] : end]
        found = _attention(join, [op for op in after if isinstance(op, Call)], network)
        if found is not None:
            yield found


def _attention(join: Join, later: Sequence[Call], network: Network) -> Attention | None:
    heads = join.heads
    size = network.value(join.target).size
    if heads < 2 or size % heads or len(join.operands) != 2:
        return None
    own = np.arange(size).reshape(heads, -1)
    sides = [_sources(join.operands[i], own, network) for i in (0, 1)]
    if None in sides:
        return None
    query, key = sides
    assert query is not None and key is not None  # noqa: S101, PT018
    for call in later:
        if call.kind != "linear" or call.layout is None or call.groups > 1:
            continue
        if call.columns % heads == 0:
            columns = np.arange(call.columns).reshape(heads, -1)
            value = _sources(call.reads, columns, network)
            if value is not None and _belongs(value.call, key.call, network):
                return Attention((query, key, value, Part(call, columns, by_column=True)))
    return None


def _belongs(value: Call, key: Call, network: Network) -> bool:
    """Whether values come of what keys come of, and stand in heads."""
    alike = {span.value for span in value.reads} == {span.value for span in key.reads}
    return alike and network.group(network.value(value.target).group).heads > 1


def _sources(spans: Sequence, own: Ints, network: Network) -> Part | None:  # type: ignore[type-arg]
    """The rows of the one call that channels (or columns) of each head come of."""
    wanted = [(read.value, read.channels, read.columns) for read in reads_of(spans)]
    found: dict[str, list[tuple[Ints, Ints]]] = {}
    head_of = np.empty(own.size, np.int64)
    head_of[own.reshape(-1)] = np.repeat(np.arange(len(own)), own.shape[1])
    waiting = [(value, channels, head_of[columns]) for value, channels, columns in wanted]
    while waiting:
        value, channels, heads = waiting.pop()
        maker = network.makers.get(value)
        if isinstance(maker, Call):
            found.setdefault(value, []).append((channels, heads))
        elif isinstance(maker, Norm | Activation) or (
            isinstance(maker, Join) and maker.kind == "sum"
        ):
            waiting += _behind(maker, channels, heads)
        else:
            return None
    if len(found) != 1:
        return None
    (value,) = found
    call = network.makers[value]
    return _rows(call, found[value], len(own)) if isinstance(call, Call) else None


def _behind(
    maker: Norm | Activation | Join, channels: Ints, heads: Ints
) -> Iterator[tuple[str, Ints, Ints]]:
    """What an operation reads for some of its channels, and whose head that is."""
    for read in reads_of(maker.reads):
        order = np.argsort(read.columns, kind="stable")
        first = np.searchsorted(read.columns[order], channels, "left")
        last = np.searchsorted(read.columns[order], channels, "right")
        runs = [range(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        at = order[indices_of(runs)]
        yield read.value, read.channels[at], np.repeat(heads, last - first)


def _rows(call: Call, parts: Sequence[tuple[Ints, Ints]], heads: int) -> Part | None:
    """Rows by head; None where heads have different numbers of them."""
    channels, owners = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    driven = rows_of(call.drives, call.rows)
    if call.layout is None or call.groups != 1 or len(np.unique(driven)) != len(driven):
        return None
    row_of = np.argsort(driven)
    by_head = [row_of[np.unique(channels[owners == head])] for head in range(heads)]
    if len({len(rows) for rows in by_head}) != 1 or not len(by_head[0]):
        return None
    return Part(call, np.stack(by_head))
