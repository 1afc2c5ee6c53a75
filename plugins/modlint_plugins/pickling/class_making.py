"""Classes that a file makes: a metaclass that is called with a name, bases and a namespace.

Loading then runs what the namespace holds: `__setstate__`, `__hash__`, `__del__`, a descriptor's
`__set_name__`, the bases' `__init_subclass__`. No pickler writes one so: classes are written by
name, and by cloudpickle by calls of its own, which are judged as code.
Source: CPython, Modules/_pickle.c, `load_newobj`; Objects/typeobject.c, `type_new`.
"""

from __future__ import annotations

from modlint_plugins.pickling.handing_on import hand_on_all
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.reach import origin_of
from modlint_plugins.pickling.values import Dict, Global, Object, Value

_PARTS = 3
"""A class's name, its bases and its namespace; what follows a metaclass may read besides."""
_BY_VALUE = frozenset({"cloudpickle", "dill"})
_SETTERS = frozenset({"_class_setstate", "_fill_function", "_function_setstate"})
"""Functions that set what the file says on what they are given first."""


def is_by_value(function: Value) -> bool:
    """Whether a library that writes classes by value made something: that is judged as code."""
    return isinstance(function, Global) and function.module.partition(".")[0] in _BY_VALUE


def note_class_made(machine: Interpreter, metaclass: Value, args: Value) -> None:
    """Note the bases, and what the namespace holds, of a class that a call makes."""
    if not isinstance(args, tuple) or len(args) < _PARTS or is_by_value(metaclass):
        return
    name, bases, namespace = args[:_PARTS]
    made = isinstance(name, str) and isinstance(bases, tuple) and isinstance(namespace, Dict)
    if not made or not all(isinstance(base, (Global, Object)) for base in bases):
        return
    for value in (bases, namespace):
        hand_on_all(machine, value, Object(metaclass, ()), name)


def check_setter(machine: Interpreter, function: Global, args: Value) -> None:
    """Note code that is set on what the file did not make: on a class of the program's own.

    Source: cloudpickle 3, `cloudpickle.py`, `_function_setstate`.
    """
    if not is_by_value(function) or function.name not in _SETTERS:
        return
    target = args[0] if isinstance(args, tuple) and args else None
    if not isinstance(target, Object) or not _makes_code(origin_of(target)):
        machine.anomaly("code that is set on what the file does not make")


def _makes_code(function: Value) -> bool:
    return is_by_value(function) or (isinstance(function, Global) and function.module == "types")
