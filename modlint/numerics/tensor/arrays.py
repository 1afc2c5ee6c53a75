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

_LINE = 512
"""Elements of which products are added up in the elements' own type, before float64 takes over; of
more than 10,000 OpenBLAS takes several threads, whose number would show in the last digits."""

_COLUMNS = 8192
"""Sums of elements that are added up side by side, likewise."""

_SINGLE = frozenset(
    f"{kind}{bits}" for kind in ("int", "uint", "float", "bfloat") for bits in (8, 16)
) | {"bool", "float32"}
"""Types of numpy and torch of which float32 holds every value, beside the floats of one byte."""


_INFINITE_HALF = 0x7C00
_HALF_IN_SINGLE = np.int32(-0x7000_2000)
"""Where the bits of float16 lie in float32 once they are shifted: sign, exponent and fraction."""

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
    """Fill an array of the same shape, in float64 or complex128, with numpy's elements.

    One in float32 may be filled where `fits_single` says so.
    """
    if values.dtype == COMPLEX32:
        into.real, into.imag = values["real"], values["imag"]
    elif _is_small_float(values.dtype):
        np.take(_table(values.dtype, into.dtype), values.view(np.uint8), out=into, mode="clip")
    elif values.dtype == np.float16 and into.dtype == np.float32:
        _widen_halves(values, into)
    elif values.dtype == np.float16:
        np.copyto(into, _widen_halves(values, np.empty(values.shape, np.float32)))
    else:
        np.copyto(into, values, casting="unsafe")
    return into


def fits_single(values: Array) -> bool:
    """Whether float32 holds every value of the elements' type."""
    return _fits_single(values.dtype)


def single(values: Array) -> Array:
    """The elements in float32, of a type that fits it; themselves where they are stored so."""
    if not on_numpy(values):
        return values.to(_torch().float32)
    if values.dtype == np.float32:
        return values
    return widen(values, np.empty(values.shape, np.float32))


def narrowed(values: Array) -> Array:
    """Real elements in float32; those too large for it become infinite."""
    if not on_numpy(values):
        return values.to(_torch().float32)
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def is_complex(values: Array) -> bool:
    """Whether the elements are complex numbers."""
    if on_numpy(values):
        return values.dtype.kind == "c" or bool(values.dtype == COMPLEX32)
    return bool(values.is_complex())


def is_single(values: Array) -> bool:
    """Whether the elements are stored in float32."""
    return bool(values.dtype == (np.float32 if on_numpy(values) else _torch().float32))


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
        return (_table(values.dtype, np.dtype(np.float64)) != 0)[values.view(np.uint8)]
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


def codes_of_singles(values: Array) -> Array:
    """The bits of a flat array in float32, as integers."""
    return values.view(np.int32 if on_numpy(values) else _torch().int32)


def codes_of_halves(values: Array) -> Array:
    """The bits of a flat array in float16, as integers."""
    return values.view(np.int16 if on_numpy(values) else _torch().int16)


def histogram(codes: Array, bins: int) -> NDArray[np.int64]:
    """How often each of so many codes is in a flat array of integers."""
    if on_numpy(codes):
        return np.bincount(codes, minlength=bins)
    found: NDArray[np.int64] = _torch().bincount(codes.int(), minlength=bins).cpu().numpy()
    return found


def distinct(values: Array) -> tuple[float, ...]:
    """The different values of a flat array in order, −0 as 0, NaN left out."""
    values = values[values == values]
    found = np.unique(values) if on_numpy(values) else values.unique()
    return tuple(found.tolist())


def power_sums(values: Array) -> tuple[float, float, float, float]:
    """Σx, Σx², Σx³ and Σx⁴ of a flat array in float32 or float64.

    Products are rounded to the type of the elements; a few hundred are added up in that type, and
    those sums in float64. The same on any number of threads.
    """
    squares = values * values
    if not on_numpy(values):
        sums = (values, squares, squares * values, squares * squares)
        double = _torch().float64
        first, second, third, fourth = (
            _torch().stack([part.sum(dtype=double) for part in sums]).tolist()
        )
        return first, second, third, fourth
    return (
        _sum(values),
        _dot(values, values),
        _dot(squares, values),
        _dot(squares, squares),
    )


def bounds(values: Array) -> tuple[float, float]:
    """The least and the largest of a flat array that is not empty; NaN where any is."""
    if on_numpy(values):
        return float(np.minimum.reduce(values)), float(np.maximum.reduce(values))
    low, high = values.aminmax()
    return float(low), float(high)


def sum_of(values: Array) -> float:
    """The sum of a flat array in float64."""
    return float(np.add.reduce(values) if on_numpy(values) else values.sum())


def _sum(values: NDArray[Any]) -> float:
    lines = len(values) // _COLUMNS
    split = lines * _COLUMNS
    total = float(np.add.reduce(values[split:], dtype=np.float64))
    if lines:
        columns = np.add.reduce(values[:split].reshape(lines, _COLUMNS), axis=0)
        total += float(np.add.reduce(columns, dtype=np.float64))
    return total


def _dot(left: NDArray[Any], right: NDArray[Any]) -> float:
    lines = len(left) // _LINE
    split = lines * _LINE
    total = float(left[split:].dot(right[split:]))
    if lines:
        rows, columns = (
            left[:split].reshape(lines, 1, _LINE),
            right[:split].reshape(lines, _LINE, 1),
        )
        total += float(np.add.reduce(rows @ columns, axis=None, dtype=np.float64))
    return total


def _widen_halves(values: NDArray[Any], into: NDArray[Any]) -> NDArray[Any]:
    """The elements of float16 in float32, several times as fast as numpy converts them.

    Sign, exponent and fraction are shifted to their places in float32, whose exponent counts from
    127 where that of float16 counts from 15: hence the factor of 2^112. Of infinities and NaN,
    which that would take for numbers, numpy takes care.
    """
    codes = np.ascontiguousarray(values.view(np.int16))
    if np.bitwise_and(codes, 0x7FFF).max(initial=0) >= _INFINITE_HALF:
        np.copyto(into, values)
        return into
    wide = codes.astype(np.int32)
    wide <<= 13
    wide &= _HALF_IN_SINGLE
    np.multiply(wide.view(np.float32), np.float32(2.0**112), out=into)
    return into


@cache
def _fits_single(dtype: Any) -> bool:
    name = str(dtype).removeprefix("torch.")
    return name in _SINGLE or name.startswith("float8")


@cache
def _table(dtype: np.dtype[Any], into: np.dtype[Any]) -> NDArray[Any]:
    """The values of an element type of one byte, in float32 or float64."""
    with np.errstate(all="ignore"):
        return np.arange(256, dtype=np.uint8).view(dtype).astype(into)


def _is_small_float(dtype: np.dtype[Any]) -> bool:
    return dtype.itemsize == 1 and dtype.name.startswith("float8")


def _torch() -> Any:
    import torch

    return torch
