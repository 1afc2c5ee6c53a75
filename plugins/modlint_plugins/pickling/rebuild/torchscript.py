"""States of TorchScript's objects, which torch's native code packs while it loads them.

Weights without elements, or of more axes than a layer has, lead the packing of quantised layers out
of its buffers; a convolution of no groups divides by zero.
Source: torch 2.13, `ATen/native/quantized/cpu/qlinear_prepack.cpp`, `qconv_prepack.cpp`,
`conv_serialization.h`; `torch/ao/nn/quantized/modules/conv.py`, `__getstate__`.
"""

from __future__ import annotations

from collections.abc import Iterator

from modlint_plugins.code.type_names import MAX_NESTED, nesting
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.reach import parts_of
from modlint_plugins.pickling.rebuild.refused import require
from modlint_plugins.pickling.values import Dict, Global, Object, TensorRecord, Value

_ROOT = "__torch__"
_NATIVE = "__torch__.torch.classes.quantized"
_PARTS = 1000
_GROUPS, _LAYER = 8, 14
"""Where the state of a quantised convolution tells its groups, and how long it is at least."""
_DIMENSIONS = range(1, 4)
_SETTINGS = 4
"""Strides, padding, dilation and output padding of each dimension."""


def tagged(machine: Interpreter, value: Value, kind: Value) -> Value:
    """A value with the type that TorchScript writes beside it."""
    require(isinstance(kind, str))
    if nesting(kind) > MAX_NESTED:
        machine.hazard("bad-state", f"a type nested more than {MAX_NESTED} deep")
    return value


def check_packed(machine: Interpreter, target: Object) -> None:
    """Note a state that torch would pack, and that does not fit a layer."""
    function, state = target.function, target.state
    if not isinstance(function, Global) or isinstance(state, Dict):
        return
    if function.module.partition(".")[0] != _ROOT:
        return
    for sizes in _sizes(state):
        if len(sizes) > 1 and 0 in sizes:
            machine.hazard("bad-state", "a TorchScript object that packs weights without elements")
    if isinstance(state, tuple) and _groups(state, native=function.module == _NATIVE) < 1:
        machine.hazard("bad-state", "a quantised convolution of no groups")


def _sizes(state: Value) -> Iterator[tuple[int, ...]]:
    """The sizes of the tensors of a state, and of what it holds."""
    pending, seen = [state], 0
    while pending and seen < _PARTS:
        part, seen = pending.pop(), seen + 1
        if isinstance(part, (tuple, list, Dict, Object)):
            pending += parts_of(part)
        elif isinstance(part, TensorRecord) and isinstance(part.size, tuple):
            yield part.size


def _groups(state: tuple[Value, ...], *, native: bool) -> int:
    """The groups of a convolution; 1 of what is none."""
    if len(state) >= _LAYER and isinstance(state[_GROUPS - 1], tuple):
        return state[_GROUPS] if isinstance(state[_GROUPS], int) else 1
    settings = next((p for p in state if isinstance(p, list) and p), [0]) if native else [0]
    dimensions = settings[0] if settings[0] in _DIMENSIONS else 0
    at = 1 + _SETTINGS * dimensions
    known = dimensions and at < len(settings) and isinstance(settings[at], int)
    return settings[at] if known else 1
