"""Spans, channels and neurons as arrays of integers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.edges import pairs_of
from modlint.network import Operation, Span, Value

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Read(Struct, frozen=True, eq=False):
    """What an operation reads of one value.

    Attributes:
        value: its name.
        channels: (pairs,).
        columns: the column (of a call) or channel of the target that reads each: (pairs,).
    """

    value: str
    channels: Ints
    columns: Ints


def indices_of(runs: Iterable[range]) -> Ints:
    """Runs one after the other."""
    return np.concatenate([np.zeros(0, np.int64), *(np.asarray(r, dtype=np.int64) for r in runs)])


def neurons_of(value: Value) -> Ints:
    """The neuron of the value's group that each channel is: (channels,)."""
    return indices_of(value.neurons)


def reads_of(spans: Sequence[Span]) -> tuple[Read, ...]:
    """What spans read, a read for each value."""
    found: dict[str, list[Ints]] = {}
    for span in spans:
        found.setdefault(span.value, []).append(pairs_of(span))
    return tuple(Read(value, *np.concatenate(parts, 1)) for value, parts in found.items())


def spread(
    reads: Sequence[Read], columns: Floats, sizes: Mapping[str, int]
) -> Iterator[tuple[str, Floats]]:
    """What columns give back, added up by channel of each value that they read."""
    for read in reads:
        weights = columns[read.columns]
        found = np.bincount(read.channels, weights, sizes[read.value]).astype(np.float64)
        yield read.value, found


def rows_of(drives: Sequence[Span], rows: int) -> Ints:
    """The channel that each row drives, −1 for none: (rows,)."""
    channel = np.full(rows, -1, np.int64)
    for read in reads_of(drives):
        channel[read.columns] = read.channels
    return channel


def touches(op: Operation) -> Iterator[str]:
    """Names of the values that an operation reads or makes."""
    yield op.target
    for span in op.reads:
        yield span.value
