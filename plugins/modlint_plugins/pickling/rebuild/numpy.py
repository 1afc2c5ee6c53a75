"""What the machine interprets of NumPy: arrays, element types, scalars."""

from __future__ import annotations

import struct
from collections.abc import Callable

from modlint_plugins.pickling.handing_on import instances_in
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.rebuild.numpy_types import named
from modlint_plugins.pickling.rebuild.refused import Refused, require
from modlint_plugins.pickling.render import render_call
from modlint_plugins.pickling.sizes import product
from modlint_plugins.pickling.values import (
    Array,
    Blob,
    Global,
    NumpyDType,
    Object,
    OutOfBand,
    Value,
)

_NUMBER_CLASSES = frozenset(
    {
        "float16",
        "float32",
        "float64",
        "int16",
        "int32",
        "int64",
        "int8",
        "uint8",
    }
)
_SCALARS = {
    "b1": "?", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q",
    "u8": "Q", "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip


_NARROW = "ml_dtypes"
"""The package of the narrow types that NumPy has not; none holds objects."""
_EMPTY = 1_000_000
"""Elements of an array that takes no bytes."""
_ARRAYS = frozenset(
    {("numpy", "ndarray"), ("numpy.ma", "MaskedArray"), ("numpy.ma.core", "MaskedArray")}
)


def _reconstruct(machine: Interpreter, cls: Value, shape: Value, _code: Value) -> Value:
    """An empty array, which BUILD fills."""
    if not _is_shape(shape):
        machine.hazard("raw-objects", "a NumPy array whose sizes are no numbers")
    if not isinstance(cls, Global) or not cls.module.startswith("numpy"):
        machine.instantiate(cls, ())
    elif cls.canonical != ("numpy", "ndarray"):
        machine.note_use(cls, "instantiated", lambda: render_call(cls, (), None))
    return Array()


def _frombuffer(
    machine: Interpreter, data: Value, dtype: Value, shape: Value, order: Value, *_: Value
) -> Value:
    """An array whose bytes stand beside it (protocol 5)."""
    require(isinstance(dtype, NumpyDType) and isinstance(shape, tuple))
    if not isinstance(data, (Blob, OutOfBand)):
        machine.hazard("raw-objects", "a NumPy array that views what is no buffer of a pickle's")
    return Array(shape, dtype, order == "F" if isinstance(order, str) else False, data)


def _dtype(code: Value, *_: Value) -> Value:
    """A type by its code; one that is spelled otherwise may hold objects."""
    if isinstance(code, Global) and code.canonical[0] == "numpy" and code.name in _NUMBER_CLASSES:
        return named(code.name)
    if isinstance(code, Global) and code.module.partition(".")[0] == _NARROW:
        return NumpyDType(code.name, known=False)
    return named(code) if isinstance(code, str) else named("")


def _scalar(machine: Interpreter, dtype: Value, data: Value = None) -> Value:
    """A Python number where the type has one."""
    unknown = not isinstance(dtype, NumpyDType)
    if (unknown or dtype.objects) and isinstance(data, (Blob, str)):
        machine.hazard("raw-objects", "a NumPy scalar of objects is filled from raw bytes")
    require(isinstance(dtype, NumpyDType) and dtype.code in _SCALARS and not dtype.structured)
    raw = (
        data.encode("utf-8", "replace")
        if isinstance(data, str)
        else data.view
        if isinstance(data, Blob)
        else b""
    )
    try:
        (number,) = struct.unpack((">" if dtype.order == ">" else "<") + _SCALARS[dtype.code], raw)
    except struct.error:
        raise Refused from None
    return number


def set_array_state(machine: Interpreter, array: Array, state: Value) -> None:
    """Fill an array: (version, shape, dtype, Fortran order, data), the version absent of old.

    Filling frees what the array held: what was made of it before would view that.
    """
    if array.used or array.dtype is not None:
        machine.hazard("raw-objects", "a NumPy array that is filled after it was used")
    if not isinstance(state, tuple) or len(state) < 4:
        machine.hazard("raw-objects", "a NumPy array with a state that is not as NumPy writes it")
        return
    array.shape, array.dtype, fortran, array.data = state[-4:]
    if isinstance(array.dtype, NumpyDType):
        array.dtype.used = True
        if array.dtype.itemsize == 0 and _is_shape(array.shape) and _count(array.shape) > _EMPTY:
            machine.hazard("allocation", "a NumPy array of very many elements without bytes")
    else:
        machine.hazard("bad-dtype", "a NumPy array whose element type a call computes")
    array.fortran = fortran is True or (isinstance(fortran, int) and fortran == 1)
    objects = isinstance(array.dtype, NumpyDType) and array.dtype.objects
    if objects and isinstance(array.data, (Blob, str)):
        machine.hazard("raw-objects", "a NumPy array of objects is filled from raw bytes")
    elif objects and not _fills(array.shape, array.data):
        machine.hazard("raw-objects", "a NumPy array of objects that is not given one for each")


def check_masked(machine: Interpreter, target: Object) -> None:
    """Note a masked array whose state fills it as it must not: (_, shape, type, order, data, …).

    Source: numpy 2.x, `ma/core.py`, `MaskedArray.__setstate__`.
    """
    function = target.function
    if not isinstance(function, Global) or not function.module.startswith("numpy.ma"):
        return
    array = Array(used=target.earlier is not None)
    state = target.state
    set_array_state(machine, array, state[1:5] if isinstance(state, tuple) else None)
    rest = state[5:] if isinstance(state, tuple) else ()
    if next(instances_in(machine, list(rest)), None) is not None:
        machine.hazard("raw-objects", "a masked array whose mask or fill value is an instance")


def _is_shape(value: Value) -> bool:
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    return all(isinstance(size, int) for size in sizes)


def _fills(shape: Value, objects: Value) -> bool:
    """Whether there is an object for each element: NumPy takes them without counting."""
    return isinstance(objects, list) and _is_shape(shape) and len(objects) == _count(shape)


def _count(shape: Value) -> int:
    return product(shape if isinstance(shape, (tuple, list)) else (shape,))


def _randomstate(machine: Interpreter, *args: Value) -> Value:
    """A generator; a constructor that is given beside its name is called with that."""
    if len(args) > 1:
        machine.call(args[1], args[:1])
    return Object(machine.calling, args, called=True)


def _bit_generator(machine: Interpreter, *args: Value) -> Value:
    """A bit generator of a name, or of a class, which is instantiated."""
    if args and not isinstance(args[0], str):
        machine.instantiate(args[0], ())
    return Object(machine.calling, args, called=True)


def _masked(
    machine: Interpreter, subtype: Value, base: Value, _shape: Value, _type: Value
) -> Value:
    """A masked array, which BUILD fills; a class of the file's own choice is called."""
    made = Object(machine.calling, (subtype, base), called=True)
    for cls in (subtype, base):
        if not isinstance(cls, Global) or cls.canonical not in _ARRAYS:
            made = machine.call(cls, (made,))
    return made


REBUILDS: dict[tuple[str, str], Callable[..., Value]] = {
    ("numpy", "dtype"): _dtype,
}

DELEGATES: dict[tuple[str, str], Callable[..., Value]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.ma.core", "_mareconstruct"): _masked,
    ("numpy.random", "__RandomState_ctor"): _randomstate,
    ("numpy.random._pickle", "__bit_generator_ctor"): _bit_generator,
    ("numpy.random._pickle", "__generator_ctor"): _randomstate,
    ("numpy.random._pickle", "__randomstate_ctor"): _randomstate,
}
