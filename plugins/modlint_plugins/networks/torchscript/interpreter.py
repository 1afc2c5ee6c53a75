"""The code of a TorchScript module, followed statement by statement; nothing of it is executed.

The text is what PyTorch prints of its intermediate form: a small part of Python's grammar. An
`if` whose condition depends on the input is followed both ways.
"""

from __future__ import annotations

import ast

from modlint_plugins.networks.aten.arguments import tensors_in
from modlint_plugins.networks.aten.values import Depends, Fixed, Lost, Value
from modlint_plugins.networks.flow.altering import Care
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.torchscript.calls import Names, RaisedError
from modlint_plugins.networks.torchscript.expressions import Expressions
from modlint_plugins.networks.torchscript.objects import (
    Function,
    ScriptClass,
    ScriptError,
    ScriptObject,
)
from modlint_plugins.networks.torchscript.undecided import (
    undecided_in,
)

_MAX_DEPTH = 60
_MAX_TURNS = 512


class _Return(Exception):
    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Interpreter(Expressions):
    """Follows the functions of one archive."""

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
            return (*given, *(named[f] for f in kind.fields[len(given) :] if f in named))
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
        elif isinstance(s, ast.With):
            self._block(s.body, names)
        elif isinstance(s, (ast.Raise, ast.Assert)):
            raise RaisedError(ast.unparse(s)[:200])
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
            known = isinstance(value, (Traced, Fixed, Depends))
            self._join(names, results[0], results[1], known=known)

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
        since = self.walk.tracer.position
        for _ in range(2):
            inner = dict(names)
            self._block(body, inner)
            self._join(names, dict(names), inner)
            names.update({name: value for name, value in inner.items() if name not in names})
        self.walk.tracer.noted(since, None, Care.ALTERS)
