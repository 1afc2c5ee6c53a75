"""Modules, their attributes and the classes and functions of the archive's code."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modlint.errors import UnreadableError
from modlint_plugins.networks.aten.values import Fixed, Lost, Names, Value
from modlint_plugins.pickling.values import Dict, Global, Object, TensorRecord
from modlint_plugins.readers.torch.program import TorchScriptProgram

_MAX_TEXT = 16 << 20
_MAX_ITEMS = 100_000


class ScriptError(Exception):
    """Code that is not followed: the reason."""


@dataclass(frozen=True, eq=False)
class ScriptClass:
    """A class of the code.

    Attributes:
        name: qualified ("__torch__.torch.nn.modules.conv.Conv2d").
        methods: by name.
        constants: what attributes that are constants are given, by name.
        fields: attributes with a type, in order.
        base: its base class as written ("Module", "NamedTuple", "").
    """

    name: str
    methods: dict[str, ast.FunctionDef]
    constants: dict[str, ast.expr]
    fields: tuple[str, ...]
    base: str


@dataclass(eq=False)
class ScriptObject:
    """A module, or another instance of a class of the code.

    Attributes:
        kind: its class, None where the code does not hold it.
        attributes: what the file stores, and what the code has set since.
        path: where it stands in the outermost module.
    """

    kind: ScriptClass | None
    attributes: dict[str, Any]
    path: str = ""


@dataclass(frozen=True)
class Function:
    """A function of the code, or a bound method."""

    code: ast.FunctionDef
    owner: ScriptObject | None = None


@dataclass
class Code:
    """The archive's code, parsed member by member when it is needed."""

    program: TorchScriptProgram
    _members: dict[str, dict[str, ast.ClassDef | ast.FunctionDef]] = field(default_factory=dict)
    _classes: dict[str, ScriptClass] = field(default_factory=dict)
    _length: int = 0

    def find(self, name: str) -> ScriptClass | Function | None:
        """A class or function by its qualified name; None where there is none."""
        member, _, leaf = name.rpartition(".")
        found = self._parsed(member).get(leaf)
        if isinstance(found, ast.FunctionDef):
            return Function(found)
        if found is None:
            return None
        if name not in self._classes:
            self._classes[name] = _class(name, found)
        return self._classes[name]

    def _parsed(self, member: str) -> dict[str, ast.ClassDef | ast.FunctionDef]:
        if member not in self._members:
            self._members[member] = {}
            give = self.program.code.get(member)
            if give is not None:
                tree = self._tree(give)
                named = [x for x in tree.body if isinstance(x, (ast.ClassDef, ast.FunctionDef))]
                self._members[member] = {x.name: x for x in named}
        return self._members[member]

    def _tree(self, give: Callable[[], bytes]) -> ast.Module:
        try:
            text = give()
            self._length += len(text)
            if self._length > _MAX_TEXT:
                raise ScriptError(f"its code is longer than {_MAX_TEXT:,} characters")
            return ast.parse(text.decode())
        except (UnreadableError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ScriptError(f"its code cannot be parsed: {str(error)[:100]}") from error


def _class(name: str, code: ast.ClassDef) -> ScriptClass:
    methods = {x.name: x for x in code.body if isinstance(x, ast.FunctionDef)}
    constants: dict[str, ast.expr] = {}
    fields = []
    for x in code.body:
        if isinstance(x, ast.AnnAssign) and isinstance(x.target, ast.Name):
            fields.append(x.target.id)
            if x.value is not None:
                constants[x.target.id] = x.value
    base = code.bases[0].id if code.bases and isinstance(code.bases[0], ast.Name) else ""
    return ScriptClass(name, methods, constants, tuple(fields), base)


@dataclass
class Loading:
    """From what pickles stand for to values."""

    program: TorchScriptProgram
    code: Code
    names: Names
    _made: dict[int, Value] = field(default_factory=dict)
    _items: int = 0

    def value(self, x: Any, path: str = "") -> Value:
        """A value: modules become objects, tensors those of the file."""
        self._items += 1
        if self._items > _MAX_ITEMS:
            raise ScriptError(f"its modules hold more than {_MAX_ITEMS:,} values")
        if isinstance(x, TensorRecord):
            return self._tensor(x, path)
        if isinstance(x, (list, tuple)):
            return type(x)([self.value(item, path) for item in x])
        if isinstance(x, Dict):
            return {k: self.value(v, path) for k, v in x.pairs if isinstance(k, (str, int))}
        if isinstance(x, Object):
            return self._object(x, path)
        if x is None or isinstance(x, (bool, int, float, str, complex)):
            return x
        return Lost("an attribute that is not followed")

    def _tensor(self, record: TensorRecord, path: str) -> Value:
        name = self.program.names.get(id(record), path)
        return self.names.get(name) or Lost(f"tensor {path!r} is not in the file")

    def _object(self, x: Object, path: str) -> Value:
        if id(x) in self._made:
            return self._made[id(x)]
        if not isinstance(x.function, Global):
            return Lost("an attribute that is not followed")
        if not x.function.module.startswith("__torch__"):
            # lists and dicts of given types are rebuilt by a function of their items
            return self.value(x.args[0], path) if isinstance(x.args, tuple) and x.args else None
        found = self.code.find(f"{x.function.module}.{x.function.name}")
        made = ScriptObject(found if isinstance(found, ScriptClass) else None, {}, path)
        self._made[id(x)] = made
        for key, value in x.state.pairs if isinstance(x.state, Dict) else ():
            if isinstance(key, str):
                made.attributes[key] = self.value(value, f"{path}.{key}" if path else key)
        return made

    @cached_property
    def constants(self) -> list[Value]:
        """The archive's constants, by number."""
        held = self.program.constants
        return [self._constant(x) for x in held] if isinstance(held, (list, tuple)) else []

    def _constant(self, x: Any) -> Value:
        """A constant: a number where it is a tensor of one (the 1 of 1 + γ)."""
        name = self.program.names.get(id(x), "")
        known = self.names.number(name) if isinstance(x, TensorRecord) else None
        return self.value(x) if known is None else known


def is_tensor(x: Value) -> bool:
    """Whether a value is a tensor, followed or not."""
    from modlint_plugins.networks.flow.traced import Traced

    return isinstance(x, (Traced, Fixed, Lost))
