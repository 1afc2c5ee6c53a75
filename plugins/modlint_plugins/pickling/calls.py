"""What calls do: the few that checkpoints need are interpreted, all others are kept as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from modlint.pickles import GlobalUse, Use
from modlint_plugins.pickling.allocation import account
from modlint_plugins.pickling.class_making import check_setter, is_by_value, note_class_made
from modlint_plugins.pickling.handing_on import instances_in, note_arguments, note_planted
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.reach import callables_in, callees, origin_of
from modlint_plugins.pickling.rebuild.native import is_unset
from modlint_plugins.pickling.rebuild.numpy_types import check_class
from modlint_plugins.pickling.rebuild.python import ENCODINGS
from modlint_plugins.pickling.rebuild.refused import Refused
from modlint_plugins.pickling.rebuild.table import INTERPRETED, rebuild, set_state
from modlint_plugins.pickling.render import render, render_call
from modlint_plugins.pickling.values import (
    Array,
    Blob,
    Composite,
    Dict,
    Global,
    Nested,
    NumpyDType,
    Object,
    PersistentId,
    TensorRecord,
    Value,
)

_IDENTITY = ("numpy", "object_")
"""A class whose `__new__` gives back what it is given."""
_CALLABLE = (Global, Object, PersistentId, TensorRecord)
_OF_STORAGES = frozenset({"torch._utils", "torch._tensor"})
_DIFFERENT = 100
"""Different uses that are kept of one global."""
_SHORT = 100
_CODED = frozenset(
    {("_codecs", "encode"), *(("builtins", n) for n in ("bytearray", "bytes", "str", "unicode"))}
)
_NATIVE = frozenset({"torch", "numpy"})
_LITERALS = (bool, int, float, complex, str, Blob)


class Caller(Interpreter):
    """An interpreter that knows what calls do."""

    def call(self, function: Value, args: Value, kwargs: Value = None) -> Value:
        """What stands for the result of a call."""
        self.note_hashed(args)
        self._check_arguments(args)
        note_class_made(self, function, args)
        if isinstance(function, Global) and function.canonical == _IDENTITY and args:
            return self.instantiate(function, args)
        otherwise = Object(function, args, kwargs, called=True)
        if not isinstance(function, _CALLABLE):
            self.anomaly("a call of what cannot be called")
        literal = kwargs is None and _is_literal(args)
        if isinstance(function, Global):
            account(self, function, _with_keywords(args, kwargs))
            note_planted(self, otherwise, kwargs)
            note_arguments(self, function, args, kwargs)
            _mark_used(args)
            _check_keywords(self, function, kwargs)
            _check_codec(self, function, args)
            check_setter(self, function, args)
            _check_nested(self, function, args)
            check_class(self, function, instantiated=kwargs is not None)
            if kwargs is None and function.canonical in INTERPRETED:
                made = self._interpret(function, args, otherwise)
                if made is not otherwise:
                    text = f"{render(function)}(…)"
                    self.note_use(function, "called", lambda: text, followed=True, literal=literal)
                    return made
        rendered = partial(render_call, function, args, kwargs)
        if isinstance(function, Object):
            for held in callees(self, function):
                if held is not origin_of(function):
                    self.call(held, args, kwargs)
            self.note_use(function, "handed-on" if function.called else "called", rendered)
        else:
            self.note_use(function, "called", rendered, literal=literal)
        return otherwise

    def instantiate(self, cls: Value, args: Value) -> Value:
        """What stands for `cls.__new__(cls, *args)`."""
        self.note_use(cls, "instantiated", lambda: render_call(cls, args, None))
        self._check_arguments(args)
        if not isinstance(cls, _CALLABLE):
            self.anomaly("an instance of what is no class")
        note_class_made(self, cls, args)
        if not isinstance(cls, Global):
            if not is_by_value(origin_of(cls)):
                self.anomaly("an instance of a class that the file itself makes")
            return Object(cls, args)
        if cls.canonical == _IDENTITY and args:
            return args[0] if isinstance(args, tuple) else args
        account(self, cls, args, instantiated=True)
        note_arguments(self, cls, args)
        check_class(self, cls, instantiated=True)
        if cls.module.startswith("numpy") and next(instances_in(self, [args]), None) is not None:
            self.hazard(
                "raw-objects", "a NumPy class is made of an instance: it asks that for bytes"
            )
        made = Object(cls, args)
        if is_unset(made):
            self.unset.append(made)
        return self._interpret(cls, args, made) if cls.canonical in INTERPRETED else made

    def _check_arguments(self, args: Value) -> None:
        """Note arguments that are no tuple of the file's: what they are is not known."""
        if not isinstance(args, tuple):
            self.anomaly("a call whose arguments are not written as a tuple")

    def set_state(self, target: Value, state: Value) -> None:
        """What BUILD does to a value."""
        set_state(self, target, state)

    def _interpret(self, function: Global, args: Value, otherwise: Object) -> Value:
        self.calling = function
        try:
            made = rebuild(self, function.canonical, args)
        except (Refused, TypeError):  # kind or number of the arguments
            if function.module == "torch._utils":
                self.anomaly(f"a call of {function.name} with arguments that it does not take")
            return otherwise
        if isinstance(made, (TensorRecord, Composite)):
            self.notes.made.append(made)
        return made

    def note_use(
        self,
        function: Value,
        use: Use,
        rendered: Callable[[], str],
        followed: bool = False,
        literal: bool = False,
    ) -> None:
        """Record a use of the global that a callable comes from, if it comes from one."""
        function = origin_of(function)
        if isinstance(function, PersistentId):  # PyTorch's may stand for a class
            for held in callables_in(self, function.pid):
                self.note_use(held, use, rendered, followed, literal)
        if isinstance(function, Object):
            self.anomaly("a call of what very many calls made")
        if not isinstance(function, Global):
            return
        way = use, followed, literal, self.opcode
        count = function.counts[way] = function.counts.get(way, 0) + 1
        if count > self.budget.limits.calls and not literal:
            return
        text = rendered()
        alike = (use, text, followed, literal)
        if alike in ((u.use, u.rendered, u.followed, u.literal) for u in function.uses):
            return
        kinds = [(u.use, u.followed, u.literal) for u in function.uses]
        of_this_kind = kinds.count((use, followed, literal))
        if of_this_kind == _DIFFERENT:  # the rest of them is told once
            text = "…"
        if of_this_kind <= _DIFFERENT:
            where = self.opcode, self.offset
            noted = GlobalUse(function.module, function.name, use, *where, text, followed, literal)
            function.uses.append(noted)


def _mark_used(args: Value) -> None:
    for arg in args if isinstance(args, tuple) else ():
        if isinstance(arg, (Array, NumpyDType)):
            arg.used = True


def _check_nested(machine: Interpreter, function: Global, args: Value) -> None:
    """Note a checkpoint within the pickle where no storage is due: it may stand for anything."""
    held = any(isinstance(arg, Nested) for arg in args) if isinstance(args, tuple) else False
    if held and function.module not in _OF_STORAGES:
        machine.anomaly(f"a checkpoint within it as an argument of {function.name}")


def _check_codec(machine: Interpreter, function: Global, args: Value) -> None:
    """Note a codec that no pickler names: some take very long, and all are looked up by import."""
    if function.canonical not in _CODED or not isinstance(args, tuple) or len(args) < 2:
        return
    if not isinstance(args[1], str) or args[1].lower() not in ENCODINGS:
        machine.hazard(
            "allocation", f"a text that {function.name} codes in a way of the file's own"
        )


def _check_keywords(machine: Interpreter, function: Global, kwargs: Value) -> None:
    """Note what no pickler writes: some classes take addresses by keyword (torch's `cdata`)."""
    given = not isinstance(kwargs, Dict) or bool(kwargs.pairs)
    if kwargs is not None and given and function.module.partition(".")[0] in _NATIVE:
        machine.hazard("bad-state", f"{function.name} is given arguments by keyword")


def _with_keywords(args: Value, kwargs: Value) -> Value:
    """Positional arguments, and those given by keyword behind them."""
    if not isinstance(args, tuple) or not isinstance(kwargs, Dict):
        return args
    return (*args, *(value for _, value in kwargs.pairs))


def _is_literal(args: Value) -> bool:
    """Whether arguments are data: numbers, text, bytes, None, and short lists of them."""
    if not isinstance(args, tuple):
        return False
    flat = [part for arg in args for part in (arg if _is_short(arg) else (arg,))]
    return all(arg is None or isinstance(arg, _LITERALS) for arg in flat)


def _is_short(value: Value) -> bool:
    return isinstance(value, (list, tuple)) and len(value) < _SHORT
