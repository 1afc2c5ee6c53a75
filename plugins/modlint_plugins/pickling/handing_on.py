"""Attributes that loading calls though no opcode names a call: what a file plants there runs.

The unpickler looks up `__setstate__`, `extend`, `append` and `add` on the instance itself, and
so do the classes and functions that checkpoints need: `dict(x)` calls `x.keys`, an optimiser
`self.state.get`, `Parameter(x)` `x.detach`. A global that the file sets as such an attribute is
handed on to whoever looks. Sources: CPython, Modules/_pickle.c, `load_build`, `do_append`,
`load_additems`, Objects/dictobject.c, `dict_update_arg`; torch 2.13, `optim/optimizer.py`,
`nn/parameter.py`, `_utils.py`, `_tensor.py`; numpy 2.x, `ma/core.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modlint_plugins.pickling.render import render_attribute
from modlint_plugins.pickling.values import Blob, Dict, Global, Object, Pairs, Value

if TYPE_CHECKING:
    from modlint_plugins.pickling.machine import Machine

_HARMLESS = frozenset(
    {
        "__annotations__",
        "__dict__",
        "__doc__",
        "__module__",
        "__name__",
        "__orig_class__",
        "__qualname__",
        "__wrapped__",
    }
)
CALLED_ATTRIBUTES = frozenset(
    {
        "add",
        "append",
        "as_subclass",
        "clear",
        "copy",
        "detach",
        "discard",
        "extend",
        "get",
        "items",
        "keys",
        "pop",
        "popitem",
        "read",
        "requires_grad_",
        "set_",
        "setdefault",
        "to",
        "update",
        "values",
    }
)
_UNPICKLED = frozenset({"__setstate__", "add", "append", "extend"})
"""What the unpickler itself looks up on an instance."""
_DUCKS = frozenset({"_buffers", "_modules", "_parameters", "defaults", "param_groups", "state"})
_CALLING = frozenset(
    {
        ("builtins", "dict"),
        ("collections", "Counter"),
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch._utils", "_rebuild_parameter_with_state"),
        ("torch.nn.parameter", "Buffer"),
        ("torch.nn.parameter", "Parameter"),
    }
)
"""Functions that call `keys`, `detach` or `to` of their first argument."""
_CODE_BUILDERS = frozenset({"cloudpickle", "dill", "types"})
_CHAIN = 10
PARTIAL = ("functools", "partial")
GETATTR = ("builtins", "getattr")


def attributes(target: Object) -> Iterator[Pairs]:
    """The pairs that BUILD or keyword arguments set as attributes, the latest first."""
    for state in (target.state, *reversed(target.earlier or ()), target.kwargs):
        yield from (part.pairs for part in _parts(state) if isinstance(part, Dict))


def _parts(state: Value) -> tuple[Value, ...]:
    """The attributes and the slots that a state sets; a pair holds both."""
    return state if isinstance(state, tuple) and len(state) == 2 else (state,)


def planted(machine: Machine, target: Value, name: str) -> Value | None:
    """The callable that the file set as an attribute of an instance, None where it set none."""
    if not isinstance(target, Object):
        return None
    for pairs in attributes(target):
        machine.budget.spend_opcodes(len(pairs) + 1)
        for key, value in reversed(pairs):
            if _text(key) == name and next(callees(machine, value), None) is not None:
                return value
    return None


def note_planted(machine: Machine, target: Value, state: Value) -> None:
    """Note every global that a state plants where loading may call it."""
    parts = _parts(state)
    for part in parts:
        if not isinstance(part, Dict):
            continue
        machine.budget.spend_opcodes(len(part.pairs))
        for key, value in part.pairs:
            name = _text(key)
            if name is not None and is_called(name):
                hand_on(machine, value, target, name)
        if isinstance(target, Object):
            note_duck(machine, target, part.pairs)
    for part in (state, *parts):
        if isinstance(part, Global):
            hand_on(machine, part, target, "__setstate__")
        elif isinstance(part, Object):
            _note_instance(machine, target, part)


def note_arguments(machine: Machine, function: Global, args: Value) -> None:
    """Note a global that is given to a function which calls methods of what it is given."""
    if function.canonical in _CALLING and isinstance(args, tuple) and args:
        hand_on(machine, args[0], function, "…")


def _note_instance(machine: Machine, target: Value, state: Object) -> None:
    """Note what an instance holds that is set as a state: its methods are called."""
    for pairs in attributes(state):
        machine.budget.spend_opcodes(len(pairs))
        for key, value in pairs:
            hand_on(machine, value, target, f"__setstate__({_text(key) or '…'})")


def note_items(machine: Machine, target: Object, pairs: Pairs) -> None:
    """Note what items plant: many mappings read their attributes from them."""
    for key, value in pairs:
        name = _text(key)
        if name in _UNPICKLED:
            hand_on(machine, value, target, name)


def hand_on(machine: Machine, value: Value, target: Value, name: str) -> None:
    """Note that a value, where it can be called, is handed on to whoever looks `name` up."""
    for function in callees(machine, value):
        machine.note(function, "handed-on", lambda: render_attribute(target, name, value))


def is_called(name: str) -> bool:
    """Whether loading may call an attribute of this name."""
    if name.startswith("__") and name.endswith("__"):
        return name not in _HARMLESS
    return name in CALLED_ATTRIBUTES


def callees(machine: Machine, value: Value, depth: int = 0) -> Iterator[Global]:
    """The globals that run where a value is called: itself, or what a partial or method holds."""
    machine.budget.spend_opcodes(1)
    if isinstance(value, Global):
        yield value
        return
    for _ in range(_CHAIN):  # a function that a function made
        if isinstance(value, Object) and isinstance(value.function, Object):
            value = value.function
    if isinstance(value, Object) and isinstance(value.function, Global) and depth < _CHAIN:
        if value.function.canonical == GETATTR or _builds_code(value.function):
            yield value.function
        elif value.function.canonical == PARTIAL:
            for held in _partial_functions(value):
                yield from callees(machine, held, depth + 1)


def _builds_code(function: Global) -> bool:
    """Whether a call of it gives a function whose code the file holds."""
    return function.module.partition(".")[0] in _CODE_BUILDERS


def _partial_functions(value: Object) -> Iterator[Value]:
    """What a partial calls: its first argument, or what BUILD put in its place."""
    for stated in (value.args, value.state, *(value.earlier or ())):
        if isinstance(stated, tuple) and stated:
            yield stated[0]


def note_duck(machine: Machine, target: Object, pairs: Pairs) -> None:
    """Note globals that stand where a class of PyTorch's looks for a dict or a list."""
    function = target.function
    if not isinstance(function, Global) or not function.module.startswith(
        ("torch.optim", "torch.nn")
    ):
        return
    for key, value in pairs:
        name = _text(key)
        if name in _DUCKS:
            for part in value if isinstance(value, (list, tuple)) else (value,):
                hand_on(machine, part, target, name)


def _text(key: Value) -> str | None:
    if isinstance(key, Blob):
        return bytes(key.view[:100]).decode("utf-8", "replace")
    return key if isinstance(key, str) else None
