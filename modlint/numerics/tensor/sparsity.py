"""Structured sparsity: at most n of each m neighbours are not zero."""

from __future__ import annotations

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import nonzero

_GROUPS = (4, 8, 16)
_PIECE = 1 << 22
"""Elements that are looked at in one piece."""


def pattern(values: Array) -> tuple[int, int] | None:
    """(n, m) of the smallest group size m of 4, 8, 16 with 2·n ≤ m; None where there is none.

    Groups run along the second axis, along which hardware and libraries prune.
    """
    if values.ndim < 2 or not values.shape[1]:
        return None
    for m in _GROUPS:
        n = _most(values, m) if values.shape[1] % m == 0 else m
        if 0 < 2 * n <= m:
            return n, m
    return None


def _most(values: Array, m: int) -> int:
    """The most non-zero elements of any group of m; m as soon as more than half are."""
    size = values.shape[1]
    width = 1
    for side in values.shape[1:]:
        width *= side
    rows, most = max(1, _PIECE // width), 0
    for start in range(0, len(values), rows):
        cells = nonzero(values[start : start + rows])
        groups = cells.reshape(len(cells), size // m, m, width // size).sum(2)
        most = max(most, int(groups.max()))
        if 2 * most > m:
            return m
    return most
