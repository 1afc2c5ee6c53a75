"""What numpy and torch spell differently, and element types that numpy lacks.

An array is one of numpy on the CPU, a tensor of torch elsewhere; a function gives what it gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array, Device

COMPLEX32 = np.dtype([("real", "<f2"), ("imag", "<f2")])
"""Two halves, which numpy does not compute with."""

_LINE = 8192
"""Elements of which squares are added up at a time; of more than 10,000 OpenBLAS takes several
threads, whose number would show in the last digits."""


_UNSIGNED = {2: (np.uint16, np.uint16(0x7FFF)), 4: (np.uint32, np.uint32(0x7FFFFFFF))}
"""By bytes of a float, its code, and all of that but the sign: quicker than in float64."""


def on_numpy(values: Array) -> bool:
    """Whether it is an array of numpy's."""
    return isinstance(values, np.ndarray)


def wide(values: Array) -> Array:
    """The elements in float64, complex ones in complex128, in a new array in row-major order."""
    if not on_numpy(values):
        return values.to(_torch().complex128 if values.is_complex() else _torch().float64)
    kind = np.complex128 if is_complex(values) else np.float64
    return widen(values, np.empty(values.shape, kind))


def widen(values: NDArray[Any], into: NDArray[Any]) -> NDArray[Any]:
    """Fill an array of the same shape, in float64 or complex128, with numpy's elements."""
    if values.dtype == COMPLEX32:
        into.real, into.imag = values["real"], values["imag"]
    elif _is_small_float(values.dtype):
        np.take(_table(values.dtype), values.view(np.uint8), out=into, mode="clip")
    else:
        np.copyto(into, values, casting="unsafe")
    return into


def is_complex(values: Array) -> bool:
    """Whether the elements are complex numbers."""
    if on_numpy(values):
        return values.dtype.kind == "c" or bool(values.dtype == COMPLEX32)
    return bool(values.is_complex())


def is_double(values: Array) -> bool:
    """Whether the elements are stored in float64 or complex128."""
    return str(values.dtype).removeprefix("torch.") in ("float64", "complex128")


def magnitudes(values: Array) -> Array:
    """Absolute values in float64, of any element type; of complex elements the modulus."""
    if on_numpy(values) and values.dtype.kind in "fV" and values.dtype.itemsize in _UNSIGNED:
        code, all_but_sign = _UNSIGNED[values.dtype.itemsize]
        if values.dtype != COMPLEX32:
            return wide((values.view(code) & all_but_sign).view(values.dtype))
    return abs(wide(values))


def largest(values: Array) -> float:
    """The largest element, NaN where any is; −∞ of none."""
    if on_numpy(values):
        return float(np.maximum.reduce(values, axis=None, initial=-np.inf))
    return float(values.max()) if values.numel() else -np.inf


def nonzero(values: Array) -> Array:
    """Where elements are not zero, NaN included: bool, in row-major order."""
    if not on_numpy(values):
        return values != 0
    if _is_small_float(values.dtype):
        return (_table(values.dtype) != 0)[values.view(np.uint8)]
    if values.dtype.kind in "fV" and values.dtype.itemsize == 2:
        # all bits but the sign: neither numpy nor ml_dtypes compares halves quickly
        return np.ascontiguousarray(values.view(np.uint16) & 0x7FFF) != 0
    return np.ascontiguousarray(wide(values) if values.dtype == COMPLEX32 else values) != 0


def filled(
    shape: int | Sequence[int], value: float, device: Device, kind: str = "float64"
) -> Array:
    """An array of a type ("float64", "bool") that holds one value."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if isinstance(device, str):
        return np.full(shape, value, dtype=kind)
    return _torch().full(shape, value, dtype=getattr(_torch(), kind), device=device)


def where(condition: Array, then: Array, otherwise: Array) -> Array:
    """Elements of one where a condition holds, else of the other; either may be a number."""
    library = np if on_numpy(condition) else _torch()
    return library.where(condition, then, otherwise)


def indices(mask: Array) -> tuple[int, ...]:
    """Where a mask of one axis holds."""
    if on_numpy(mask):
        return tuple(np.flatnonzero(mask).tolist())
    return tuple(mask.nonzero().flatten().tolist())


def count(mask: Array) -> int:
    """How often a mask holds."""
    return int(np.count_nonzero(mask)) if on_numpy(mask) else int(mask.sum())


def is_finite(values: Array) -> bool:
    """Whether every element of a real array is."""
    return not len(values.reshape(-1)) or bool(abs(values).max() < np.inf)


def sum_of_squares(values: Array) -> float:
    """Σx² of a flat array in float64; the same on any number of threads."""
    if not on_numpy(values):
        return float(values @ values)
    lines = len(values) // _LINE
    rest = values[lines * _LINE :]
    squares = float(rest.dot(rest))
    if lines:
        each = values[: lines * _LINE].reshape(lines, _LINE)
        squares += float(np.add.reduce(each[:, None, :] @ each[:, :, None], axis=None))
    return squares


def bounds(values: Array) -> tuple[float, float]:
    """The least and the largest of a flat array that is not empty; NaN where any is."""
    if on_numpy(values):
        return float(np.minimum.reduce(values)), float(np.maximum.reduce(values))
    low, high = values.aminmax()
    return float(low), float(high)


def sum_of(values: Array) -> float:
    """The sum of a flat array in float64."""
    return float(np.add.reduce(values) if on_numpy(values) else values.sum())


@cache
def _table(dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """The values of an element type of one byte."""
    with np.errstate(all="ignore"):
        return np.arange(256, dtype=np.uint8).view(dtype).astype(np.float64)


def _is_small_float(dtype: np.dtype[Any]) -> bool:
    return dtype.itemsize == 1 and dtype.name.startswith("float8")


def _torch() -> Any:
    import torch

    return torch
