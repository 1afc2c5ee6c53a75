"""Elements at the ends of a tensor's range, and different values up to a grid's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import on_numpy
from modlint.numerics.tensor.chunks import pieces
from modlint.results.ends import GRID, Ends

_NEAR = 0.01


def ends_of(values: Array) -> Ends:
    """Count what lies at the ends.

    Raises:
        Unavailable: no element is finite.
    """
    low, high, elements = math.inf, -math.inf, 0
    different: set[float] = set()
    for finite in _finite(values):
        elements += len(finite)
        low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        if len(different) <= GRID:
            different.update(np.unique(finite)[: GRID + 1].tolist())
    if not elements:
        raise Unavailable("none of its elements is finite")
    counts = np.zeros(4, dtype=np.int64)
    for finite in _finite(values):
        near_low = finite <= low + _NEAR * abs(low)
        near_high = finite >= high - _NEAR * abs(high)
        counts += [
            np.count_nonzero(where)
            for where in (finite == low, finite == high, near_low, near_high)
        ]
    at_low, at_high, near_low, near_high = counts.tolist()
    return Ends(
        elements=elements,
        low=low,
        high=high,
        at_low=at_low,
        at_high=at_high,
        near_low=near_low - at_low,
        near_high=near_high - at_high,
        grid=len(different) <= GRID,
    )


def _finite(values: Array) -> Any:
    """The finite elements, a bounded piece at a time."""
    for piece, _, _, _ in pieces(values):
        flat: NDArray[Any] = (piece if on_numpy(piece) else piece.cpu().numpy()).reshape(-1)
        finite = flat[np.isfinite(flat)]
        if len(finite):
            yield finite
