"""Expressions of the code."""

from __future__ import annotations

import ast
from typing import Any

from modlint_plugins.networks.aten.arguments import plain
from modlint_plugins.networks.aten.merging import merged
from modlint_plugins.networks.aten.values import Fixed, Lost, Value
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.torchscript.calls import Calls, Names, RaisedError
from modlint_plugins.networks.torchscript.functions import described
from modlint_plugins.networks.torchscript.objects import (
    Function,
    ScriptClass,
    ScriptError,
    ScriptObject,
)
from modlint_plugins.networks.torchscript.undecided import (
    Undecided,
)

_CASTS = ("annotate", "unchecked_cast")
_PLAIN_ERRORS = (TypeError, ValueError, IndexError, KeyError, AttributeError)


class Expressions(Calls):
    """What an expression stands for, given what the names stand for."""

    def apply(self, function: Function, given: list[Value], named: Names | None = None) -> Value:
        """What a function returns."""
        raise NotImplementedError

    def made(self, kind: ScriptClass, given: list[Value], named: Names) -> Value:
        """An instance of a class of the code."""
        raise NotImplementedError

    # -- expressions

    def _value(self, e: ast.expr, names: Names) -> Value:
        if isinstance(e, ast.Constant):
            return e.value
        if isinstance(e, ast.Name):
            return self._named(e.id, names)
        if isinstance(e, ast.Attribute):
            return self._attribute(e, names)
        if isinstance(e, ast.Call):
            return self._call(e, names)
        if isinstance(e, ast.List):
            return [self._value(x, names) for x in e.elts]
        if isinstance(e, ast.Tuple):
            return tuple(self._value(x, names) for x in e.elts)
        if isinstance(e, ast.Dict):
            pairs = zip(e.keys, e.values, strict=True)
            return {self._key(k, names): self._value(v, names) for k, v in pairs if k is not None}
        if isinstance(e, ast.Subscript):
            return self._subscript(self._value(e.value, names), self._value(e.slice, names))
        return self._computed(e, names)

    def _computed(self, e: ast.expr, names: Names) -> Value:
        if isinstance(e, ast.UnaryOp):
            operation = "__not__" if isinstance(e.op, ast.Not) else "neg"
            return self._torch(operation, [self._value(e.operand, names)], {})
        if isinstance(e, ast.IfExp):
            condition = self._truth(self._value(e.test, names))
            if condition is None:
                return self._merged(self._value(e.body, names), self._value(e.orelse, names))
            return self._value(e.body if condition else e.orelse, names)
        raise ScriptError(f"an expression {type(e).__name__} is not known")

    def _key(self, e: ast.expr, names: Names) -> Any:
        key = plain(self._value(e, names))
        return key if isinstance(key, (str, int, float, bool)) else id(key)

    def _named(self, name: str, names: Names) -> Value:
        if name in names:
            return names[name]
        if name in ("inf", "nan"):
            return float(name)
        raise RaisedError(f"the name {name!r} is not known")

    def _subscript(self, holder: Value, key: Value) -> Value:
        key = plain(key)
        if isinstance(holder, (Traced, Fixed)):
            return self.walk.call("select", [holder, 0, key], {})
        if isinstance(holder, Undecided):
            return holder
        if isinstance(holder, Lost) or isinstance(key, Lost):
            return holder if isinstance(holder, Lost) else self._any_of(holder)
        try:
            return holder[key]
        except _PLAIN_ERRORS as error:
            raise RaisedError(f"no item {str(key)[:50]!r}") from error

    def _any_of(self, items: Value) -> Value:
        listed = list(items) if isinstance(items, (list, tuple)) else []
        if not listed:
            return Lost("an item at a place that depends on the input")
        found = listed[0]
        for item in listed[1:]:
            found = self._merged(found, item)
        return found

    def _attribute(self, e: ast.Attribute, names: Names) -> Value:
        path = _dotted(e)
        if path is not None and path[0] == "CONSTANTS":
            place = int(path[1][1:]) if path[1][1:].isdigit() else -1
            constants = self.loading.constants
            return constants[place] if 0 <= place < len(constants) else Lost("no such constant")
        if path is not None and path[0] in ("__torch__", "torch", "ops") and path[0] not in names:
            return self.code.find(".".join(path)) or ".".join(path)
        return self._member(self._value(e.value, names), e.attr)

    def _member(self, owner: Value, name: str) -> Value:
        if isinstance(owner, ScriptObject):
            if name in owner.attributes:
                return owner.attributes[name]
            kind = owner.kind
            if kind is not None and name in kind.methods:
                return Function(kind.methods[name], owner)
            if kind is not None and name in kind.constants:
                return self._value(kind.constants[name], {})
        if isinstance(owner, (Lost, Undecided)):
            return owner
        if isinstance(owner, (Traced, Fixed)):
            found = described(name, [owner])
            return self.walk.call(name, [owner], {}) if found is NotImplemented else found
        if isinstance(owner, tuple):
            return Lost(f"field {name!r} of a named tuple")
        raise RaisedError(f"the attribute {name!r} is not known")

    # -- calls

    def _call(self, e: ast.Call, names: Names) -> Value:
        if isinstance(e.func, ast.Name) and e.func.id not in names:
            return self._basic(e.func.id, e, names)
        method = e.func if isinstance(e.func, ast.Attribute) and _is_method(e.func) else None
        function = self._value(e.func, names) if method is None else None
        given = [self._value(x, names) for x in e.args]
        named = {k.arg: self._value(k.value, names) for k in e.keywords if k.arg is not None}
        if method is not None:
            owner = self._value(method.value, names)
            if not isinstance(owner, ScriptObject):
                return self._torch(method.attr, [owner, *given], named)
            function = self._member(owner, method.attr)
        if isinstance(function, Function):
            return self.apply(function, given, named)
        if isinstance(function, ScriptClass):
            return self.made(function, given, named)
        if isinstance(function, str):
            return self._torch(function.rpartition(".")[2], given, named, function)
        return self._torch("called", [*given], named)

    def _basic(self, name: str, e: ast.Call, names: Names) -> Value:
        """A function without a module: a cast, a conversion, a range."""
        if name in _CASTS:
            return self._value(e.args[1], names)
        if name == "uninitialized":
            return None
        given = [self._value(x, names) for x in e.args]
        if name == "getattr":
            return self._member(given[0], str(given[1]))
        if name in ("fork", "wait"):
            return given[0] if name == "wait" else self.apply(given[0], given[1:])
        if name in ("int", "float", "bool"):
            return self._torch(name.capitalize(), given, {})
        if name == "range":
            return range(*given) if all(type(x) is int for x in given) else Lost("a range")
        if name == "isinstance":
            return Lost("a type that depends on the input")
        return self._torch(name, given, {})

    def _merged(self, a: Value, b: Value) -> Value:
        for x in (a, b):
            if isinstance(x, Undecided):
                return x
        return merged(self.walk, a, b)

    def _truth(self, value: Value) -> bool | None:
        """Whether a condition holds; None where that depends on the input."""
        value = plain(value)
        if isinstance(value, (Traced, Fixed, Lost, Undecided)):
            return None
        return bool(value)


def _dotted(e: ast.expr) -> list[str] | None:
    """The names of a chain of attributes."""
    names: list[str] = []
    while isinstance(e, ast.Attribute):
        names.append(e.attr)
        e = e.value
    return [e.id, *names[::-1]] if isinstance(e, ast.Name) else None


def _is_method(function: ast.expr) -> bool:
    path = _dotted(function)
    return isinstance(function, ast.Attribute) and (
        path is None or path[0] not in ("torch", "ops", "__torch__", "CONSTANTS")
    )
