"""The code of a TorchScript module, followed statement by statement; nothing of it is executed.

The text is what PyTorch prints of its intermediate form: a small part of Python's grammar. An
`if` whose condition depends on the input is followed both ways.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from modlint_plugins.networks.aten.arguments import plain, tensors_in
from modlint_plugins.networks.aten.merging import merged
from modlint_plugins.networks.aten.values import Fixed, Lost, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.tracer import Traced
from modlint_plugins.networks.torchscript.functions import PLAIN, described, is_description
from modlint_plugins.networks.torchscript.objects import (
    Code,
    Function,
    Loading,
    ScriptClass,
    ScriptError,
    ScriptObject,
)
from modlint_plugins.networks.torchscript.undecided import (
    NeedsShapeError,
    Shape,
    Undecided,
    proposals,
    undecided_in,
)

Names = dict[str, Value]
_MAX_DEPTH = 60
_MAX_TURNS = 512
_CASTS = ("annotate", "unchecked_cast")
_PLAIN_ERRORS = (TypeError, ValueError, IndexError, KeyError, AttributeError, ZeroDivisionError)


class RaisedError(Exception):
    """The code raises an exception: it was not meant for inputs of these shapes."""


class _Return(Exception):  # noqa: N818
    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


@dataclass
class Interpreter:
    """Follows the functions of one archive.

    Attributes:
        usual: shapes of inputs whose first reader does not tell.
        left: statements that may still be followed.
    """

    walk: Walk
    code: Code
    loading: Loading
    usual: list[Shape]
    left: int
    depth: int = 0
    _locals: list[Names] = field(default_factory=list)

    # -- functions

    def apply(self, function: Function, given: list[Value], named: Names | None = None) -> Value:
        """What a function returns.

        Raises:
            ScriptError: it cannot be followed.
            RaisedError: it raises.
            NeedsShapeError: the shape of an input must be decided first.
        """
        if self.depth >= _MAX_DEPTH:
            raise ScriptError(f"calls nested more than {_MAX_DEPTH} deep")
        parameters = function.code.args.args
        if function.owner is not None:
            given = [function.owner, *given]
        names: Names = dict(zip((p.arg for p in parameters), given, strict=False))
        names.update(named or {})
        missing = [p.arg for p in parameters if p.arg not in names]
        defaults = dict(
            zip(
                reversed([p.arg for p in parameters]),
                reversed(function.code.args.defaults),
                strict=False,
            )
        )
        for name in missing:
            names[name] = self._value(defaults[name], names) if name in defaults else None
        self.depth += 1
        self._locals.append(names)
        try:
            self._block(function.code.body, names)
        except _Return as returned:
            return returned.value
        finally:
            self.depth -= 1
            self._locals.pop()
        return None

    def made(self, kind: ScriptClass, given: list[Value], named: Names) -> Value:
        """An instance of a class of the code; one of a named tuple is a tuple."""
        if kind.base == "NamedTuple":
            return tuple([*given, *(named[f] for f in kind.fields[len(given) :] if f in named)])
        made = ScriptObject(kind, {})
        if "__init__" in kind.methods:
            self.apply(Function(kind.methods["__init__"], made), given, named)
        return made

    # -- statements

    def _block(self, body: list[ast.stmt], names: Names) -> None:
        for statement in body:
            self.left -= 1
            if self.left < 0:
                raise ScriptError("its code takes too many steps")
            self._statement(statement, names)

    def _statement(self, s: ast.stmt, names: Names) -> None:
        if isinstance(s, ast.Assign):
            self._assign(s.targets[0], self._value(s.value, names), names)
        elif isinstance(s, ast.AnnAssign) and s.value is not None:
            self._assign(s.target, self._value(s.value, names), names)
        elif isinstance(s, ast.Expr):
            self._value(s.value, names)
        elif isinstance(s, ast.Return):
            raise _Return(None if s.value is None else self._value(s.value, names))
        elif isinstance(s, ast.If):
            self._if(s, names)
        elif isinstance(s, (ast.For, ast.While)):
            self._loop(s, names)
        elif isinstance(s, (ast.Raise, ast.Assert)):
            if isinstance(s, ast.Raise) or self._truth(self._value(s.test, names)) is False:
                raise RaisedError(ast.unparse(s)[:200])
        elif isinstance(s, ast.With):
            self._block(s.body, names)
        elif not isinstance(s, (ast.Pass, ast.AnnAssign)):
            raise ScriptError(f"a statement {type(s).__name__} is not known")

    def _assign(self, target: ast.expr, value: Value, names: Names) -> None:
        if isinstance(target, ast.Name):
            names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (Traced, Fixed)):
                value = self.walk.call("unbind", [value, 0], {})
            parts = list(value) if isinstance(value, (list, tuple)) else [value] * len(target.elts)
            if len(parts) != len(target.elts):
                raise RaisedError(f"{len(parts)} values for {len(target.elts)} names")
            for part, item in zip(target.elts, parts, strict=True):
                self._assign(part, item, names)
        elif isinstance(target, ast.Attribute):
            owner = self._value(target.value, names)
            if isinstance(owner, ScriptObject):
                owner.attributes[target.attr] = value
        else:
            raise ScriptError("an assignment that is not known")

    def _if(self, s: ast.If, names: Names) -> None:
        value = self._value(s.test, names)
        condition = self._truth(value)
        if condition is not None:
            self._block(s.body if condition else s.orelse, names)
            return
        before, results = dict(names), []
        for body in (s.body, s.orelse):
            inner = dict(before)
            try:
                self._block(body, inner)
            except RaisedError:
                continue
            results.append(inner)
        if not results:
            raise RaisedError("both ways raise")
        names.update(results[0])
        if len(results) == 2:
            self._join(names, *results, known=not isinstance(value, Lost))

    def _join(self, names: Names, first: Names, second: Names, known: bool = True) -> None:
        """What names stand for after one of two ways; nothing where it is not known which."""
        for name in sorted(first.keys() & second.keys()):
            one, other = first[name], second[name]
            if one is other:
                continue
            plainly = not tensors_in([one, other]) and not undecided_in([one, other])
            if known or plainly or undecided_in([one, other]):
                names[name] = self._merged(one, other)
            else:
                found = [x for x in tensors_in([one, other]) if isinstance(x, Traced)]
                self.walk.tracer.expose(*found)
                names[name] = Lost("a condition was not followed")

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

    def _loop(self, s: ast.For | ast.While, names: Names) -> None:
        if isinstance(s, ast.While):
            for _ in range(_MAX_TURNS):
                condition = self._truth(self._value(s.test, names))
                if condition is False:
                    return
                if condition is None:
                    self._unknown_turns(s.body, names)
                    return
                self._block(s.body, names)
            raise ScriptError(f"a loop of more than {_MAX_TURNS} turns")
        items = self._value(s.iter, names)
        if isinstance(items, (Lost, Traced, Fixed)) or items is None:
            self._assign(
                s.target, Lost("a turn of a loop whose number depends on the input"), names
            )
            self._unknown_turns(s.body, names)
            return
        if len(items) > _MAX_TURNS:
            raise ScriptError(f"a loop of more than {_MAX_TURNS} turns")
        for item in items:
            self._assign(s.target, item, names)
            self._block(s.body, names)

    def _unknown_turns(self, body: list[ast.stmt], names: Names) -> None:
        """A loop whose number of turns depends on the input: what two give, joined."""
        for _ in range(2):
            inner = dict(names)
            self._block(body, inner)
            self._join(names, dict(names), inner)
            names.update({name: value for name, value in inner.items() if name not in names})

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
        function = self._value(e.func, names) if not _is_method(e.func) else None
        given = [self._value(x, names) for x in e.args]
        named = {k.arg: self._value(k.value, names) for k in e.keywords if k.arg is not None}
        if function is None:
            assert isinstance(e.func, ast.Attribute)  # noqa: S101
            owner = self._value(e.func.value, names)
            if not isinstance(owner, ScriptObject):
                return self._torch(e.func.attr, [owner, *given], named)
            function = self._member(owner, e.func.attr)
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

    def _torch(self, name: str, given: list[Value], named: Names, path: str = "torch") -> Value:
        """A function of torch, or an operation."""
        if name == "RaiseException":
            raise RaisedError(str(given[:1])[:200])
        undecided = undecided_in([*given, *named.values()])
        if undecided and name not in _ON_LISTS:
            return self._probed(name, given, named, undecided)
        if given and isinstance(given[0], (Traced, Fixed, Lost)):
            found = described(name, given)
            if found is not NotImplemented:
                return found
        if name == "__contains__" and any(isinstance(x, Lost) for x in given):
            return Lost("what a list holds that depends on the input")
        held = bool(given) and isinstance(given[0], (list, tuple, dict, str)) and name in _HELD
        if (
            name in _ON_LISTS
            or held
            or (name in PLAIN and not tensors_in([*given, *named.values()]))
        ):
            return self._plain(name, given, named)
        return self._operation(name, given, named, path)

    def _probed(
        self, name: str, given: list[Value], named: Names, undecided: list[Undecided]
    ) -> Value:
        """An operation on an input without a shape: the first with a weight tells which it has."""
        if name in ("__is__", "__isnot__") and None in given:
            return name == "__isnot__"
        if is_description(name):
            return UNKNOWN_SIZE
        beside = tensors_in([*given, *named.values()])
        if any(isinstance(x, Traced) or (isinstance(x, Fixed) and x.owners) for x in beside):
            shapes = undecided[0].shapes(proposals(name, given, self.usual))
            raise NeedsShapeError(undecided[0].name, shapes)
        return undecided[0].moved(name, given)

    def _plain(self, name: str, given: list[Value], named: Names) -> Value:
        function = PLAIN[name]
        try:
            return function(*given, **named)
        except ScriptError:
            raise
        except _PLAIN_ERRORS as error:
            raise RaisedError(f"{name}: {str(error)[:100]}") from error

    def _operation(self, name: str, given: list[Value], named: Names, path: str) -> Value:
        if path.startswith("ops.") and not path.startswith(("ops.aten.", "ops.prim.")):
            name = path.removeprefix("ops.")
        result = self.walk.call(name, given, named)
        if name.endswith("_") and not name.endswith("__") and given:
            self._overwrite(given[0], result)
        return result

    def _overwrite(self, target: Value, result: Value) -> None:
        """Give every name and attribute of what an operation overwrites its new value."""
        try:
            changed = self.walk.store(target, result)
        except (UnfollowedError, ValueError, IndexError):
            changed = {id(target): result}
        for names in self._locals:
            for name, value in names.items():
                if id(value) in changed:
                    names[name] = changed[id(value)]
            for owner in [x for x in names.values() if isinstance(x, ScriptObject)]:
                for name, value in owner.attributes.items():
                    if id(value) in changed:
                        owner.attributes[name] = changed[id(value)]


_ON_LISTS = frozenset(
    {
        "append",
        "extend",
        "insert",
        "list",
        "dict",
        "_set_item",
        "warn",
        "format",
        "keys",
        "values",
        "items",
        "__contains__",
        "reverse",
        "pop",
        "clear",
        "NumToTensor",
    }
)
_HELD = frozenset({"len", "slice", "copy", "__getitem__", "add", "index"})
UNKNOWN_SIZE = Lost("a size that is not known")


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
