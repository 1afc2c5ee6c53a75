"""Arrays that joblib writes into a pickle's stream, behind the wrapper that announces them.

Only joblib's own unpickler steps over them; any other runs them as opcodes, so both readings are
followed. Source: joblib 1.x, `numpy_pickle.py`, `NumpyArrayWrapper.read_array`.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from modlint_plugins.pickling.limits import Budget, Limits, Malformed
from modlint_plugins.pickling.opcodes import OPCODES, has_header
from modlint_plugins.pickling.values import Array, Blob, Dict, Global, NumpyDType, Object, Value

if TYPE_CHECKING:
    from modlint_plugins.pickling.machine import Machine

_CODES = frozenset(opcode.code for opcode in OPCODES.values())
_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")


class Jumped(Exception):
    """The stream goes on at the machine's `end`, not behind the current opcode."""


def follow_wrapper(machine: Machine, target: Value) -> None:
    """Read the array behind a wrapper that was just built, and put it in the wrapper's place.

    Raises:
        Jumped: the array was stepped over.
        Malformed: it does not fit in the stream.
    """
    stated = _stated(target)
    if stated is None:
        return
    machine.frame_start = machine.frame_end = 0  # joblib ends the frame before an array
    dtype, shape, fortran, aligned = stated
    start, view = machine.end, machine.view
    if dtype.code.startswith("O") or (dtype.structured and has_header(view, start)):
        machine.stack[-1] = _follow(machine, start)
        raise Jumped
    _try_opcodes(machine, start)
    begin = start
    if aligned:
        begin += 1 + (view[start] if start < len(view) else 0)
    end = begin + _width(dtype) * prod(shape)
    if end > len(view):
        raise Malformed(f"an array of {end - begin:,} bytes is cut off")
    offset = None if machine.origin is None else machine.origin + begin
    machine.stack[-1] = Array(shape, dtype, fortran, Blob(view[begin:end], offset))
    machine.end = end
    raise Jumped


def _follow(machine: Machine, start: int) -> Value:
    """An array of objects is a pickle of its own, within the stream."""
    inner = machine.fork(start)
    reason = inner.run()
    machine.adopt(inner)
    if reason is not None:
        raise Malformed(f"a pickle within the stream: {reason}")
    machine.end = inner.end
    return inner.value


def _try_opcodes(machine: Machine, start: int) -> None:
    """Run an array's bytes as opcodes, as pickle's own unpickler would."""
    if start >= len(machine.view) or machine.view[start] not in _CODES:
        return  # joblib's padding ends that reading at once
    inner = machine.fork(start)
    inner.budget = Budget(Limits(opcodes=10_000, globals=100))
    inner.stack, inner.below = list(machine.stack), [list(stack) for stack in machine.below]
    inner.memo = dict(machine.memo)
    inner.run()
    if any(_is_name(use.module) and _is_name(use.name) for use in inner.uses):
        machine.adopt(inner)
        machine.anomaly("opcodes in the bytes of an array")


def _is_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _width(dtype: NumpyDType) -> int:
    """Bytes of one element, as its code states them ("f8", "V12", "U4")."""
    digits = dtype.code.lstrip("<>|=")[1:]
    if not digits.isdigit() or len(digits) > 9:
        return 8 if dtype.code[:1] in ("M", "m") else 0
    return int(digits) * (4 if dtype.code.startswith("U") else 1)


def _stated(target: Value) -> tuple[NumpyDType, tuple[int, ...], bool, bool] | None:
    if not isinstance(target, Object) or not isinstance(target.function, Global):
        return None
    if target.function.canonical != _WRAPPER or not isinstance(target.state, Dict):
        return None
    state = {key: value for key, value in target.state.pairs if isinstance(key, str)}
    dtype, shape = state.get("dtype"), state.get("shape")
    if not isinstance(dtype, NumpyDType) or not isinstance(shape, tuple):
        return None
    if not all(type(size) is int and 0 <= size < 1 << 62 for size in shape):
        return None
    aligned = state.get("numpy_array_alignment_bytes") is not None
    return dtype, shape, state.get("order") == "F", aligned
