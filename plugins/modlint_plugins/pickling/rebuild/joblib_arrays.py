"""Arrays that joblib writes into a pickle's stream, behind the wrapper that announces them.

Only joblib's own unpickler steps over them; any other runs their bytes as opcodes. Which of the
two will load a file nothing tells, so that `scan` reads it in both ways.
Source: joblib 1.x, `numpy_pickle.py`, `NumpyArrayWrapper.read_array`.
"""

from __future__ import annotations

from types import NoneType
from typing import NamedTuple

from modlint_plugins.pickling.handing_on import attributes, hand_on
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.limits import Malformed
from modlint_plugins.pickling.sizes import product
from modlint_plugins.pickling.values import Array, Blob, Global, NumpyDType, Object, Value

_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_READ_ONLY = frozenset({"dtype", "subclass"})
"""Attributes of a wrapper that hold classes and are not called."""


class Jumped(Exception):
    """The stream goes on at the machine's `end`, not behind the current opcode."""


class _Stated(NamedTuple):
    """What a wrapper states of its array."""

    dtype: NumpyDType
    shape: tuple[int, ...]
    fortran: bool
    aligned: bool


def follow_wrapper(machine: Interpreter, target: Value) -> None:
    """Note the array behind a wrapper that was just built; where joblib reads, step over it.

    Raises:
        Jumped: the array was stepped over, and stands in the wrapper's place.
        Malformed: the wrapper describes no array, or one that does not fit in the stream.
    """
    if not is_wrapper(target):
        return
    machine.wrapped = True
    if not machine.joblib:
        return
    _note_attributes(machine, target)
    stated = _stated(target)
    if machine.frame_end > machine.end:
        machine.mark_ambiguous("an array begins within a FRAME")
    machine.frame_start = machine.frame_end = 0  # joblib ends the frame before an array
    start = machine.end
    if stated.dtype.objects:
        machine.stack[-1] = machine.interpret_within(start)
    else:
        machine.stack[-1] = _array(machine, stated, start)
    machine.arrays.append((start, machine.end))
    raise Jumped


def is_wrapper(value: Value) -> bool:
    """Whether a value announces an array."""
    if not isinstance(value, Object) or not isinstance(value.function, Global):
        return False
    return f"{value.function.module}.{value.function.name}" == _WRAPPER


def _array(machine: Interpreter, stated: _Stated, start: int) -> Array:
    view = machine.view
    begin = start
    if stated.aligned:
        begin += 1 + (view[start] if start < len(view) else 0)
    end = begin + (stated.dtype.itemsize or 0) * product(stated.shape)
    if end > len(view):
        raise Malformed(f"an array of {end - begin:,} bytes is cut off")
    offset = None if machine.origin is None else machine.origin + begin
    machine.end = end
    return Array(stated.shape, stated.dtype, stated.fortran, Blob(view[begin:end], offset))


def _note_attributes(machine: Interpreter, wrapper: Object) -> None:
    """Joblib calls the wrapper's methods: a global in the place of one is called."""
    for pairs in attributes(wrapper):
        machine.budget.spend_opcodes(len(pairs))
        for key, value in pairs:
            if isinstance(key, str) and key not in _READ_ONLY:
                hand_on(machine, value, wrapper, key)


def _stated(wrapper: Object) -> _Stated:
    if wrapper.earlier or wrapper.kwargs is not None:
        raise Malformed("joblib's wrapper is built twice")
    state: dict[str, Value] = {}
    for pairs in reversed(list(attributes(wrapper))):  # a later state overrides an earlier one
        if not all(isinstance(key, str) for key, _ in pairs):
            raise Malformed("joblib's wrapper has an attribute whose name is no text")
        state |= {key: value for key, value in pairs if isinstance(key, str)}
    dtype, shape = state.get("dtype"), state.get("shape")
    alignment = state.get("numpy_array_alignment_bytes")
    aligned = alignment is not None
    sizes = shape if isinstance(shape, tuple) else ()
    plain = all(isinstance(size, int) and 0 <= size < 1 << 62 for size in sizes)
    whole = sizes is shape and isinstance(alignment, (int, NoneType))
    if not isinstance(dtype, NumpyDType) or not dtype.known or not plain or not whole:
        raise Malformed("joblib's wrapper describes no array")
    if not dtype.objects and not dtype.itemsize:
        raise Malformed("joblib's wrapper describes an array of elements without bytes")
    return _Stated(dtype, tuple(map(int, sizes)), state.get("order") == "F", aligned)
