"""What runs where a value is called, and what a value holds that could be called at all."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.dtypes import DTYPES
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.values import Dict, Global, Nested, Object, Set, Value

PARTIAL = ("functools", "partial")
GETATTR = ("builtins", "getattr")
_GETTERS = frozenset({GETATTR, ("operator", "attrgetter"), ("operator", "itemgetter")})
"""Functions whose result reads, or runs, something of what it is called with."""
_CODE_BUILDERS = frozenset({"cloudpickle", "dill", "types"})
_CHAIN = 10
_LONG_CHAIN = 100
_ELEMENT_TYPES = frozenset(DTYPES) | {"sparse_coo", "sparse_csr", "strided"}


def callees(machine: Interpreter, value: Value, depth: int = 0) -> Iterator[Global]:
    """The globals that run where a value is called: itself, or what a partial or method holds."""
    machine.budget.spend_opcodes(1)
    if isinstance(value, Global):
        if not _is_element_type(value):
            yield value
        return
    if isinstance(value, Nested):  # what it stands for is interpreted later, and may be anything
        yield value.function
        return
    if not isinstance(value, Object):
        return
    value = _first_call(value)
    if isinstance(value.function, Global):
        if depth >= _CHAIN or value.function.canonical in _GETTERS or _builds_code(value.function):
            yield value.function
        elif value.function.canonical == PARTIAL:
            for held in _partial_functions(value):
                yield from callees(machine, held, depth + 1)


def _first_call(value: Object) -> Object:
    """The call at the root of a function that a function made."""
    for _ in range(_CHAIN):
        if not isinstance(value.function, Object):
            break
        value = value.function
    return value


def origin_of(function: Value) -> Value:
    """What a callable was made by, if not by itself."""
    for _ in range(_LONG_CHAIN):
        if not isinstance(function, Object):
            break
        function = function.function
    return function


def callables_in(machine: Interpreter, value: Value) -> Iterator[Global]:
    """Every global that could be called by whoever has a value, however deep it lies in it."""
    seen: set[int] = set()
    pending = [value]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield from callees(machine, current)
        pending += parts_of(current)


def parts_of(value: Value) -> Iterator[Value]:
    """What a value holds, but for the keys of mappings."""
    if isinstance(value, Object):
        yield from (value.args, value.kwargs, value.state)
        yield from value.earlier or ()
        yield from value.items or ()
        yield from (child for _, child in value.pairs or ())
    elif isinstance(value, Dict):
        yield from (child for _, child in value.pairs)
        yield value.state
    elif isinstance(value, Set):
        yield from value.items
    elif isinstance(value, (list, tuple)):
        yield from value


def _is_element_type(value: Global) -> bool:
    """Whether a global is one of PyTorch's dtypes or layouts, which cannot be called."""
    return value.module == "torch" and value.name in _ELEMENT_TYPES


def _builds_code(function: Global) -> bool:
    """Whether a call of it gives a function whose code the file holds."""
    return (
        function.module.partition(".")[0] in _CODE_BUILDERS and function.name != "SimpleNamespace"
    )


def _partial_functions(value: Object) -> Iterator[Value]:
    """What a partial calls: its first argument, or what BUILD put in its place."""
    for stated in (value.args, value.state, *(value.earlier or ())):
        if isinstance(stated, tuple) and stated:
            yield stated[0]
