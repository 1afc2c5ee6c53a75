"""What the machine interprets of NumPy: arrays, element types, scalars."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from modlint_plugins.pickling.refused import Refused, require
from modlint_plugins.pickling.values import Array, Blob, Global, NumpyDType, Value

if TYPE_CHECKING:
    from modlint_plugins.pickling.machine import Machine

_SCALARS = {
    "b1": "?", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q",
    "u8": "Q", "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip


def _reconstruct(machine: Machine, cls: Value, _shape: Value, _code: Value) -> Value:
    """An empty array, which BUILD fills."""
    if not isinstance(cls, Global) or cls.canonical != ("numpy", "ndarray"):
        machine.instantiate(cls, ())
    return Array()


def _frombuffer(data: Value, dtype: Value, shape: Value, order: Value, *_: Value) -> Value:
    """An array whose bytes stand beside it (protocol 5)."""
    require(isinstance(dtype, NumpyDType) and isinstance(shape, tuple))
    return Array(shape, dtype, order == "F" if isinstance(order, str) else False, data)


def _dtype(code: Value, _align: Value = False, _copy: Value = False) -> Value:
    require(isinstance(code, str))
    return NumpyDType(code)


def _scalar(dtype: Value, data: Value = None) -> Value:
    """A Python number where the type has one."""
    require(isinstance(dtype, NumpyDType) and dtype.code in _SCALARS and not dtype.structured)
    raw = data.encode() if isinstance(data, str) else data.view if isinstance(data, Blob) else b""
    try:
        (number,) = struct.unpack((">" if dtype.order == ">" else "<") + _SCALARS[dtype.code], raw)
    except struct.error:
        raise Refused from None
    return number


def set_array_state(array: Array, state: Value) -> None:
    """Fill an array: (version, shape, dtype, Fortran order, data), the version absent of old."""
    if not isinstance(state, tuple) or len(state) < 4:
        return
    array.shape, array.dtype, fortran, array.data = state[-4:]
    array.fortran = fortran is True or (isinstance(fortran, int) and fortran == 1)


def set_dtype_state(dtype: NumpyDType, state: Value) -> None:
    """Complete a type: (version, byte order, subtype, names, fields, …)."""
    if not isinstance(state, tuple) or len(state) < 5:
        return
    dtype.order = state[1] if isinstance(state[1], str) else dtype.order
    dtype.structured = any(part is not None for part in state[2:5])


REBUILDS: dict[tuple[str, str], Callable[..., Value]] = {
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
}

DELEGATES: dict[tuple[str, str], Callable[..., Value]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct
}
