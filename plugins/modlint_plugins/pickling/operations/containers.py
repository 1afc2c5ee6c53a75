"""Opcodes that build and fill tuples, lists, dicts and sets."""

from __future__ import annotations

from modlint_plugins.pickling.handing_on import (
    note_changed,
    note_filled,
    note_items,
    note_keys,
    planted,
)
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.limits import Malformed
from modlint_plugins.pickling.operations.registry import operation
from modlint_plugins.pickling.rebuild.native import is_unset
from modlint_plugins.pickling.values import Dict, Nested, Object, Pairs, Set, Value

_DEEPEST = 1000


@operation("EMPTY_LIST")
def empty_list(machine: Interpreter, _: None) -> None:
    """[]."""
    machine.stack.append([])


@operation("EMPTY_TUPLE")
def empty_tuple(machine: Interpreter, _: None) -> None:
    """()."""
    machine.stack.append(())


@operation("EMPTY_DICT")
def empty_dict(machine: Interpreter, _: None) -> None:
    """{}."""
    machine.stack.append(Dict())


@operation("EMPTY_SET")
def empty_set(machine: Interpreter, _: None) -> None:
    """A new set."""
    machine.stack.append(Set([]))


@operation("LIST")
def list_of_mark(machine: Interpreter, _: None) -> None:
    """A list of what is above the MARK."""
    values = machine.pop_mark()
    machine.stack.append(values)


@operation("TUPLE")
def tuple_of_mark(machine: Interpreter, _: None) -> None:
    """A tuple of what is above the MARK."""
    values = machine.pop_mark()
    machine.stack.append(tuple(values))


@operation("TUPLE1")
def tuple_of_1(machine: Interpreter, _: None) -> None:
    """A tuple of the top value."""
    machine.stack[-1] = (machine.stack[-1],)


@operation("TUPLE2")
def tuple_of_2(machine: Interpreter, _: None) -> None:
    """A tuple of the two top values."""
    stack = machine.stack
    stack[-2:] = [(stack[-2], stack[-1])]


@operation("TUPLE3")
def tuple_of_3(machine: Interpreter, _: None) -> None:
    """A tuple of the three top values."""
    stack = machine.stack
    stack[-3:] = [(stack[-3], stack[-2], stack[-1])]


@operation("DICT")
def dict_of_mark(machine: Interpreter, _: None) -> None:
    """A dict of the keys and values above the MARK."""
    pairs = _paired(machine.pop_mark())
    _check_hashable(machine, [key for key, _ in pairs])
    machine.stack.append(Dict(pairs))


@operation("FROZENSET")
def frozenset_of_mark(machine: Interpreter, _: None) -> None:
    """A frozenset of what is above the MARK."""
    values = machine.pop_mark()
    _check_hashable(machine, values)
    machine.stack.append(Set(values, frozen=True))


@operation("APPEND")
def append(machine: Interpreter, _: None) -> None:
    """Append the top value to the list below it."""
    value = machine.stack.pop()
    _extend(machine, machine.stack[-1], [value])


@operation("APPENDS", "ADDITEMS")
def appends(machine: Interpreter, _: None) -> None:
    """Add what is above the MARK to the list or set below it."""
    values = machine.pop_mark()
    _extend(machine, machine.stack[-1], values)


@operation("SETITEM")
def setitem(machine: Interpreter, _: None) -> None:
    """Set a key of the dict below it to the top value."""
    value = machine.stack.pop()
    key = machine.stack.pop()
    _update(machine, machine.stack[-1], [(key, value)])


@operation("SETITEMS")
def setitems(machine: Interpreter, _: None) -> None:
    """Set the keys above the MARK to the values beside them."""
    pairs = _paired(machine.pop_mark())
    _update(machine, machine.stack[-1], pairs)


def _paired(values: list[Value]) -> Pairs:
    if len(values) % 2:
        raise Malformed("a key without a value")
    return list(zip(values[::2], values[1::2], strict=True))


def _extend(machine: Interpreter, target: Value, values: list[Value]) -> None:
    note_changed(machine, target)
    if isinstance(target, list) and machine.opcode != "ADDITEMS":
        if any(value is target for value in values):
            machine.anomaly("a list that holds itself")
        target.extend(values)
    elif isinstance(target, Set) and machine.opcode == "ADDITEMS" and not target.frozen:
        _check_hashable(machine, values)
        target.items.extend(values)
    elif isinstance(target, Object):
        note_filled(machine, target)
        _call_planted(machine, target, values)
        target.items = target.items or []
        target.items.extend(values)
    else:
        machine.anomaly(f"{machine.opcode} on what it does not fill")


def _update(machine: Interpreter, target: Value, pairs: Pairs) -> None:
    _check_hashable(machine, [key for key, _ in pairs])
    note_changed(machine, target)
    if isinstance(target, Dict):
        if target.taken:
            machine.hazard("bad-dtype", "the fields of a NumPy element type are changed afterwards")
        target.pairs.extend(pairs)
    elif isinstance(target, Object):
        note_filled(machine, target)
        note_items(machine, target, pairs)
        target.pairs = target.pairs or []
        target.pairs.extend(pairs)
    else:
        machine.anomaly(f"{machine.opcode} on what is no dict")


def _call_planted(machine: Interpreter, target: Object, values: list[Value]) -> None:
    """Call what the file set as the method by which an instance is filled."""
    names = ("add",) if machine.opcode == "ADDITEMS" else ("extend", "append")
    for name in names:
        method = planted(machine, target, name)
        if method is not None:
            machine.call(method, (values,))


def _check_hashable(machine: Interpreter, keys: list[Value]) -> None:
    """Keys are hashed when the file is loaded: a list or dict stops that, a huge tuple hangs it."""
    note_keys(machine, keys)
    for key in keys:
        if isinstance(key, Nested):
            machine.anomaly("a checkpoint within it as a key")
        if is_unset(key):
            machine.hazard("bad-state", "a key that holds no value yet")
        if not machine.depths.hashable(key):
            machine.anomaly(f"{machine.opcode} with a key that cannot be hashed")
        machine.note_hashed(key)
        machine.note_key(key)
        if isinstance(key, tuple) and machine.depths.of(key) > _DEEPEST:
            machine.anomaly(f"a key of tuples nested more than {_DEEPEST:,} deep")
