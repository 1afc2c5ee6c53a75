"""Whether two tensors hold the same elements, a bounded piece of them at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import on_numpy, wide
from modlint.numerics.tensor.chunks import pieces

_PIECE = 1 << 20
"""Elements that are compared bit by bit at a time."""

_FRACTION_BITS = {
    "float64": 52,
    "float32": 23,
    "float16": 10,
    "bfloat16": 7,
    "float8_e4m3fn": 3,
    "float8_e5m2": 2,
}
_LARGEST = {"float16": 65504.0, "float8_e4m3fn": 448.0, "float8_e5m2": 57344.0}
_STEP = {"float16": 2.0**-24, "float8_e4m3fn": 2.0**-9, "float8_e5m2": 2.0**-16}
"""Distance of the numbers nearest to zero."""


def difference(here: Array, there: Array, tolerance: float) -> float:
    """The largest difference in the first piece that differs, as a share of its largest element.

    0 where all elements are alike: equal to `tolerance` of the piece's largest magnitude, or as
    near as a cast to the narrower of two element types leaves them.

    Args:
        here: elements of any type that numbers have.
        there: as many, in the same shape.
        tolerance: share of the largest magnitude that two elements may lie apart.
    """
    narrow = _narrower(_name(here), _name(there))
    if on_numpy(here) != on_numpy(there):  # a small file on the CPU, a large one on a GPU
        here, there = (_in_double(array) for array in (here, there))
    if _same_bits(here, there):
        return 0.0
    for (one, *_), (other, *_) in zip(pieces(here), pieces(there), strict=True):
        found = _apart(one, other, tolerance, narrow)
        if found > 0:
            return found
    return 0.0


def _same_bits(here: Array, there: Array) -> bool:
    """Whether both hold the same bits; False where that is not quickly told."""
    if here.dtype != there.dtype:
        return False
    if not on_numpy(here):
        return bool((here == there).all())
    if not (here.flags.c_contiguous and there.flags.c_contiguous) or not here.size:
        return not here.size
    one, other = (array.reshape(-1).view(np.uint8) for array in (here, there))
    step = _PIECE * here.itemsize
    return all(
        np.array_equal(one[start : start + step], other[start : start + step])
        for start in range(0, len(one), step)
    )


def _apart(one: Array, other: Array, tolerance: float, narrow: str | None) -> float:
    """How far the elements of a piece lie apart, 0 where that is within what is allowed."""
    one, other = (_on_cpu(array) for array in (one, other))
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(one) & np.isfinite(other)
        alike = (one == other) | (np.isnan(one) & np.isnan(other))
        gap = np.abs(one - other)
        size = np.maximum(np.abs(one), np.abs(other))
        largest = float(size[finite].max(initial=0.0))
        allowed: Any = tolerance * largest
        if narrow is not None:
            allowed = np.maximum(allowed, 2.0 ** -_FRACTION_BITS[narrow] * size)
            allowed = np.maximum(allowed, _STEP.get(narrow, 0.0))
            alike |= size >= _LARGEST.get(narrow, math.inf)
        wrong = ~alike & ~(finite & (gap <= allowed))
    if not wrong.any():
        return 0.0
    apart = float(gap[wrong & finite].max(initial=0.0))
    return apart / largest if apart and largest else math.inf


def _narrower(here: str, there: str) -> str | None:
    """The element type of the two that keeps less, None where they are the same or no floats."""
    if here == there or here not in _FRACTION_BITS or there not in _FRACTION_BITS:
        return None
    return min(here, there, key=lambda name: _FRACTION_BITS[name])


def _name(values: Array) -> str:
    return str(values.dtype).removeprefix("torch.")


def _in_double(values: Array) -> Any:
    return wide(values if on_numpy(values) else values.cpu().double().numpy())


def _on_cpu(values: Array) -> Any:
    return values if on_numpy(values) else values.cpu().numpy()
