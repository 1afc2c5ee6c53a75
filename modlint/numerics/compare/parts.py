"""Where the rows of one matrix lie in another: matrices that were joined, split or reordered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint.numerics.compare.blocks import Numbers, flat

COLUMNS = 64
"""Columns that stand for a row."""
_ALIKE = 0.1
"""Squared relative distance of rows that hold the same content, 4-bit codes included."""
_STEP = 1 << 22
"""Elements that are looked at together."""


def columns(width: int) -> Numbers:
    """The columns that stand for a row of so many."""
    if width <= COLUMNS:
        return np.arange(width)
    return np.sort(np.random.default_rng(width).choice(width, COLUMNS, replace=False))


def rows_at(matrix: Numbers, rows: Sequence[int]) -> Numbers:
    """Some rows at the columns that stand for them, in float64."""
    taken = matrix[np.ix_(np.asarray(rows), columns(matrix.shape[1]))]
    return flat(taken, double=True).reshape(len(rows), -1)


def probes(height: int) -> tuple[int, ...]:
    """Rows by which a matrix of so many is recognised."""
    return tuple(dict.fromkeys((0, height // 3, height // 2, height - 1)))


def offsets(whole: Numbers, parts: Sequence[Numbers]) -> list[int | None]:
    """For each part, the row of the whole at which it begins; None where it is not in it.

    Args:
        whole: (rows, columns).
        parts: of each, the first row at the columns of `columns`, float64.
    """
    wanted = np.stack(parts)
    best, where = np.full(len(parts), np.inf), np.zeros(len(parts), np.int64)
    at, step = columns(whole.shape[1]), max(1, _STEP // max(1, len(parts) + COLUMNS))
    squares = (wanted * wanted).sum(1)
    for start in range(0, whole.shape[0], step):
        rows = flat(whole[start : start + step, at], double=True).reshape(-1, len(at))
        with np.errstate(all="ignore"):
            own = (rows * rows).sum(1)
            gap = own[:, None] + squares[None, :] - 2 * (rows @ wanted.T)
            gap = np.nan_to_num(gap / np.maximum(np.maximum(own[:, None], squares), 1e-300), nan=9)
        nearest = gap.argmin(0)
        closer = gap[nearest, np.arange(len(parts))]
        where = np.where(closer < best, start + nearest, where)
        best = np.minimum(best, closer)
    return [int(row) if gap < _ALIKE else None for row, gap in zip(where, best, strict=True)]


def alike(a: Numbers, b: Numbers) -> bool:
    """Whether rows hold the same content."""
    size = max(float((a * a).sum()), float((b * b).sum()))
    return bool(((a - b) ** 2).sum() <= _ALIKE * size)


def rows_within(whole: Numbers, part: Numbers) -> bool:
    """Whether every row of a matrix is one of another's, in whatever order."""
    return len(part) <= len(whole) and set(_keys(part)) <= set(_keys(whole))


def _keys(matrix: Numbers) -> list[bytes]:
    """What tells rows apart: their elements at the columns that stand for them."""
    keys, at = [], columns(matrix.shape[1])
    step = max(1, _STEP // COLUMNS)
    for start in range(0, matrix.shape[0], step):
        rows = flat(matrix[start : start + step, at], double=True).reshape(-1, len(at))
        keys += [row.tobytes() for row in rows.astype(np.float32)]
    return keys


def run_at(whole: Numbers, part: Numbers, free: Numbers) -> int | None:
    """Where the elements of a vector stand one after the other in another, among free places."""
    part, whole = (flat(v, double=True) for v in (part, whole))
    head = min(len(part), 16)
    last = len(whole) - len(part)
    candidates = np.arange(last + 1)
    for place in range(head):
        near = np.isclose(whole[candidates + place], part[place], rtol=0.01, atol=1e-30)
        candidates = candidates[near]
    for start in candidates[:64].tolist():
        stretch = slice(start, start + len(part))
        if free[stretch].all() and alike(whole[stretch], part):
            return int(start)
    return None


def scattered(whole: Numbers, part: Numbers) -> bool:
    """Whether every element of a vector is one of another's."""
    part, whole = (flat(v, double=True).astype(np.float32) for v in (part, whole))
    return len(part) <= len(whole) and bool(np.isin(part, whole).all())
