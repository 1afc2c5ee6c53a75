"""Rows of a matrix that point the same way, found without comparing each with each."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.tensor.sample import elements_at, rows_of, spread_columns
from modlint.results.duplicate_units import DuplicateGroups

COLUMNS = 128
"""Of each row that are hashed."""
_TABLES, _PER_TABLE = 4, 6
"""Hash tables, and projections in each."""
_NARROWEST = 0.35
"""Of a hash's cells, eight times the distance of two unit vectors at a cosine of 0.999."""
_NEAR = 0.02
"""Estimated squared distance below which a pair is compared whole; it is 0.002 at most."""
_SMALL = 8
"""Rows of a cell up to which all cells are compared at once."""
_LARGEST = 1024
"""Rows of one cell that are compared each with each."""
_ROUNDS = 64
_PIECE = 1 << 20
_BUDGET = 1 << 28
"""Elements that are read to compare rows whole."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def duplicate_groups(weights: Array, bias: Array | None, cosine: float) -> DuplicateGroups:
    """Group the rows that have a cosine above `cosine` with the first of their group.

    Args:
        weights: (units, ...), finite; all axes but the first are a unit's weights.
        bias: (units,), one more weight of each, if there is one.
        cosine: near 1.

    Raises:
        Unavailable: more rows are nearly alike than are compared.
    """
    units = len(weights)
    biases = None if bias is None else elements_at(bias, np.arange(units))
    sketches, varied = _sketches(weights, biases)
    candidates = _candidates(sketches, np.flatnonzero(varied))
    groups, budget = list[tuple[int, ...]](), _BUDGET
    for rows in candidates:
        budget -= len(rows) * math.prod(weights.shape[1:])
        if budget < 0:
            raise Unavailable("more of its units are nearly alike than are compared")
        groups += _alike(weights, biases, rows, cosine)
    groups.sort(key=lambda rows: (-len(rows), rows))
    return DuplicateGroups(units, int(varied.sum()), tuple(groups))


def _sketches(weights: Array, biases: Floats | None) -> tuple[Floats, NDArray[np.bool_]]:
    """Random projections of each row at length 1, and which rows are not constant."""
    width = math.prod(weights.shape[1:])
    columns = spread_columns(width, COLUMNS)
    extra = biases is not None
    shape = len(columns) + extra, _TABLES * _PER_TABLE
    directions: Floats = np.random.default_rng(0).standard_normal(shape)
    step = max(1, _PIECE // len(columns))
    sketches, varied = list[Floats](), list[NDArray[np.bool_]]()
    for start in range(0, len(weights), step):
        rows: Floats = rows_of(weights, start, min(start + step, len(weights)), columns)
        varied.append(rows.max(1) > rows.min(1))
        if biases is not None:
            scaled = biases[start : start + step] * math.sqrt(len(columns) / width)
            rows = np.column_stack([rows, scaled])
        rows = _scaled(rows)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        sketches.append((rows @ directions) / np.where(lengths > 0, lengths, 1)[:, None])
    return np.concatenate(sketches), np.concatenate(varied)


def _candidates(sketches: Floats, rows: Ints) -> Iterator[Ints]:
    """Sets of rows that the sketches cannot tell apart, by way of others or directly."""
    parents = np.arange(len(sketches))
    random = np.random.default_rng(1)
    shifts = random.random((1, sketches.shape[1]))[0]
    factors = random.integers(1 << 40, size=_PER_TABLE)
    widths = np.maximum(sketches[rows].std(0), _NARROWEST) if len(rows) else np.ones(len(shifts))
    for table in range(_TABLES):
        part = slice(table * _PER_TABLE, (table + 1) * _PER_TABLE)
        cells = np.floor(sketches[rows, part] / widths[part] + shifts[part]).astype(np.int64)
        keys = cells @ factors
        order = np.argsort(keys, kind="stable")
        _join_cells(sketches, rows[order], keys[order], parents)
    groups = defaultdict[int, list[int]](list)
    for row in rows.tolist():
        groups[_root(parents, row)].append(row)
    return (np.array(group) for group in groups.values() if len(group) > 1)


def _join_cells(sketches: Floats, rows: Ints, keys: Ints, parents: Ints) -> None:
    """Join the rows of each cell that lie near one another; equal keys stand side by side."""
    ends = np.flatnonzero(np.append(np.diff(keys) != 0, True)) + 1
    sizes = np.diff(np.append(0, ends))
    small = np.repeat(sizes <= _SMALL, sizes)
    for apart in range(1, min(_SMALL, len(rows))):
        first = np.flatnonzero((keys[:-apart] == keys[apart:]) & small[apart:])
        a, b = rows[first], rows[first + apart]
        near = np.mean((sketches[a] - sketches[b]) ** 2, axis=1) < _NEAR
        for one, other in zip(a[near].tolist(), b[near].tolist(), strict=True):
            _unite(parents, one, other)
    for end, size in zip(ends[sizes > _SMALL], sizes[sizes > _SMALL], strict=True):
        _join(sketches, rows[end - size : end], parents)


def _join(sketches: Floats, cell: Ints, parents: Ints) -> None:
    """Join the rows of a cell that lie near one another."""
    for _ in range(_ROUNDS):
        if len(cell) <= _LARGEST:
            break
        near = _squared(sketches[cell], sketches[cell[:1]])[:, 0] < _NEAR
        for row in cell[near].tolist():
            _unite(parents, int(cell[0]), row)
        cell = cell[~near]
    if len(cell) > _LARGEST:
        raise Unavailable("more of its units are nearly alike than are compared")
    first, second = np.nonzero(np.triu(_squared(sketches[cell], sketches[cell]) < _NEAR, 1))
    for a, b in zip(cell[first].tolist(), cell[second].tolist(), strict=True):
        _unite(parents, a, b)


def _squared(a: Floats, b: Floats) -> Floats:
    """Squared distances of rows before they were projected, as the projections estimate them."""
    lengths = (a * a).sum(1)[:, None] + (b * b).sum(1)
    distances: Floats = (lengths - 2 * a @ b.T) / a.shape[1]
    return distances


def _root(parents: Ints, row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = int(parents[row])
    return row


def _unite(parents: Ints, a: int, b: int) -> None:
    a, b = _root(parents, a), _root(parents, b)
    parents[max(a, b)] = min(a, b)


def _alike(
    weights: Array, biases: Floats | None, rows: Ints, cosine: float
) -> Iterator[tuple[int, ...]]:
    """Groups of rows with a cosine above the limit to the first, compared whole."""
    for _ in range(_ROUNDS):
        if len(rows) < 2:
            return
        first = _whole(weights, biases, rows[:1])[0]
        step = max(1, _PIECE // max(len(first), 1))
        pieces: Sequence[Ints] = [rows[at : at + step] for at in range(0, len(rows), step)]
        cosines = np.concatenate([_cosines(_whole(weights, biases, p), first) for p in pieces])
        cosines[0] = 1.0
        same = cosines > cosine
        if same.sum() > 1:
            yield tuple(rows[same].tolist())
        rows = rows[~same]


def _whole(weights: Array, biases: Floats | None, rows: Ints) -> Floats:
    width = math.prod(weights.shape[1:])
    whole = elements_at(weights, rows[:, None] * width + np.arange(width))
    return _scaled(whole if biases is None else np.column_stack([whole, biases[rows]]))


def _scaled(rows: Floats) -> Floats:
    """Each row over its largest magnitude, so that no square leaves the range."""
    largest = np.abs(rows).max(1, keepdims=True)
    scaled: Floats = rows / np.where(largest > 0, largest, 1)
    return scaled


def _cosines(rows: Floats, first: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * math.sqrt(float(first @ first))
    cosines: Floats = (rows @ first) / np.where(lengths > 0, lengths, 1)
    return cosines
