"""Irregular index maps as few regular runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from modlint.network import Span

Indices = NDArray[np.int64]
Run = tuple[range, int, int, int]
"""Channels, first column, stride between channels, and columns side by side of each."""


def spans_of(value: str, channels: Indices, columns: Indices) -> list[Span]:
    """Which columns each channel of a value has, in as few spans as two greedy passes find."""
    if (np.diff(channels) == 1).all() and (np.diff(columns) == 1).all() and len(channels):
        first, last = int(channels[0]), int(channels[-1])
        return [Span(value, range(first, last + 1), int(columns[0]))]
    by_column, by_channel = np.lexsort((channels, columns)), np.lexsort((columns, channels))
    found = (
        _merged(value, list(_runs(channels[order], columns[order])))
        for order in (by_column, by_channel)
    )
    return min(found, key=len)


def ranges_of(indices: Indices) -> tuple[range, ...]:
    """A sequence of integers as runs of constant step, one after the other."""
    steps = np.diff(indices)
    steps[steps == 0] = np.iinfo(np.int64).min  # a range does not stand still
    runs = _arithmetic(steps, len(indices))
    return tuple(_range(indices, start, stop) for start, stop in runs)


def _runs(channels: Indices, columns: Indices) -> Iterator[Run]:
    """Pairs in their order as runs of channels whose columns have one stride."""
    fresh = np.ones(len(channels), dtype=bool)
    fresh[1:] = (np.diff(channels) != 0) | (np.diff(columns) != 1)
    first = np.flatnonzero(fresh)
    each = np.diff(np.append(first, len(channels)))
    channels, columns = channels[first], columns[first]
    steps = np.stack([np.diff(channels), np.diff(columns), np.diff(each)])
    steps[:, (steps[0] == 0) | (steps[2] != 0)] = np.iinfo(np.int64).min  # no run passes there
    for start, stop in _arithmetic(steps, len(channels)):
        stride = int(columns[start + 1] - columns[start]) if stop - start > 1 else 1
        yield _range(channels, start, stop), int(columns[start]), stride, int(each[start])


def _arithmetic(steps: Indices, count: int) -> Iterator[tuple[int, int]]:
    """Where runs of equal steps begin and end, each taken as long as it goes."""
    steps = np.atleast_2d(steps)
    changes = np.flatnonzero((steps[:, 1:] != steps[:, :-1]).any(0)) + 1
    barred = (steps == np.iinfo(np.int64).min).any(0)
    start = place = 0
    while start < count:
        if start >= count - 1 or barred[start]:
            yield start, start + 1
            start += 1
            continue
        place += int(np.searchsorted(changes[place:], start, side="right"))
        stop = int(changes[place]) + 1 if place < len(changes) else count
        yield start, stop
        start = stop


def _range(values: Indices, start: int, stop: int) -> range:
    first, last = int(values[start]), int(values[stop - 1])
    step = int(values[start + 1]) - first if stop - start > 1 else 1
    return range(first, last + (1 if step > 0 else -1), step) if step else range(first, first + 1)


def _merged(value: str, runs: list[Run]) -> list[Span]:
    """Runs of the same channels at regular distances as one span."""
    alike: dict[tuple[range, int], list[int]] = {}
    spans = []
    for channels, start, stride, each in runs:
        if each > 1:
            spans.append(Span(value, channels, start, stride, each))
        else:
            alike.setdefault((channels, stride), []).append(start)
    for (channels, stride), starts in alike.items():
        spans += _repeated(value, channels, stride, starts)
    return spans


def _repeated(value: str, channels: range, stride: int, starts: list[int]) -> list[Span]:
    steps = set(np.diff(starts).tolist())
    if len(steps) == 1:
        return [Span(value, channels, starts[0], stride, len(starts), steps.pop())]
    return [Span(value, channels, start, stride) for start in starts]
