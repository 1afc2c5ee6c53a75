"""One graph of an exported program, run call by call.

The layout is that of torch 2.13, `_export/serde/schema.py`; archives of torch 2.2 and later have
the same names. Every value may be of any type: what is not as it should be is left out.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modlint_plugins.networks.aten.arguments import plain
from modlint_plugins.networks.aten.values import Lost, Shape, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.aten.writing import store
from modlint_plugins.networks.exported_program import control
from modlint_plugins.networks.flow.altering import Care

Json = dict[str, Any]
_MAX_DEPTH = 16
_LISTS = ("as_tensors", "as_optional_tensors", "as_nested_tensors")
_SYMBOLS = ("as_sym_int", "as_sym_float", "as_sym_bool")
_PLAIN = (
    "as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string", "as_strings",
    "as_int_lists",
)  # fmt: skip
_PYTHON: dict[str, Callable[..., Any]] = {
    "_operator.add": operator.add, "_operator.sub": operator.sub, "_operator.mul": operator.mul,
    "_operator.floordiv": operator.floordiv, "_operator.truediv": operator.truediv,
    "_operator.mod": operator.mod, "_operator.neg": operator.neg, "_operator.eq": operator.eq,
    "_operator.ne": operator.ne, "_operator.lt": operator.lt, "_operator.le": operator.le,
    "_operator.gt": operator.gt, "_operator.ge": operator.ge, "_operator.and_": operator.and_,
    "_operator.or_": operator.or_, "math.ceil": math.ceil, "math.floor": math.floor,
    "torch.sym_float": float, "torch.sym_int": int, "torch.sym_max": max, "torch.sym_min": min,
    "torch.sym_not": operator.not_, "math.trunc": math.trunc, "_operator.getitem": operator.getitem,
}  # fmt: skip


def entries(value: Any, key: str) -> Json:
    """The object under a key of an object; an empty one where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def text(value: Any, key: str) -> str:
    """The text under a key of an object; "" where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def listed(value: Any, key: str) -> list[Any]:
    """The list under a key of an object; an empty one where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


@dataclass
class GraphRun:
    """A graph and the values of its names so far."""

    walk: Walk
    graph: Json
    values: dict[str, Value] = field(default_factory=dict)
    depth: int = 0

    def steps(self) -> None:
        """Run every call."""
        for node in listed(self.graph, "nodes"):
            if isinstance(node, dict):
                self._step(node)

    def inner(self, graph: Json, given: list[Value]) -> list[Value]:
        """The results of a sub-graph for the values of its inputs."""
        if self.depth >= _MAX_DEPTH:
            raise UnfollowedError(f"graphs nested more than {_MAX_DEPTH} deep")
        run = GraphRun(self.walk, graph, depth=self.depth + 1)
        for argument, value in zip(listed(graph, "inputs"), given, strict=False):
            for stated in argument.values() if isinstance(argument, dict) else ():
                run.values[text(stated, "name") or text(stated, "as_name")] = value
        run.steps()
        return [run.argument(argument) for argument in listed(graph, "outputs")]

    def _step(self, node: Json) -> None:
        target = text(node, "target")
        outputs = [x for x in listed(node, "outputs") if isinstance(x, dict)]
        try:
            positional, named = self._arguments(node)
        except UnfollowedError as error:
            self._keep(outputs, Lost(str(error)))
            return
        if target in _PYTHON:
            result = self._number(_PYTHON[target], positional)
        elif ".higher_order." in target:
            since = self.walk.tracer.position
            result = control.called(self, target.rpartition(".")[2], [*positional, *named.values()])
            if target.rpartition(".")[2] in control.REPEATED:
                self.walk.tracer.noted(since, result, Care.ALTERS)
        else:
            result = self._aten(target, positional, named, outputs)
        self._keep(outputs, result)

    def _aten(
        self, target: str, positional: list[Value], named: dict[str, Value], outputs: list[Json]
    ) -> Value:
        op = (*target.removeprefix("torch.ops.").split("."), "")[1]
        shapes = self._shapes(outputs)
        result = self.walk.call(op, positional, named, shapes)
        if op.endswith("_") and not op.endswith("__"):
            first = next(iter((*positional, *named.values())), None)
            self._overwrite(first, result)
        return result

    def _overwrite(self, target: Value, result: Value) -> None:
        """Give every name of what a call overwrites its new value."""
        try:
            changed = store(self.walk, target, result)
        except (UnfollowedError, ValueError, IndexError):
            changed = {id(target): result}
        for name, value in self.values.items():
            if id(value) in changed:
                self.values[name] = changed[id(value)]

    def _number(self, function: Callable[..., Any], operands: list[Value]) -> Value:
        numbers = [plain(value) for value in operands]
        try:
            return function(*numbers)
        except Exception:  # whatever a number that a file states may do
            return Lost("a number that depends on the input")

    def _keep(self, outputs: list[Json], result: Value) -> None:
        """Give the names of a call's results their values."""
        kind, stated = next(iter(outputs[0].items()), ("", None)) if outputs else ("", None)
        if len(outputs) == 1 and kind in _LISTS and isinstance(stated, list):
            names = [text(x, "name") or text(entries(x, "as_tensor"), "name") for x in stated]
            parts = list(result) if isinstance(result, (list, tuple)) else [result] * len(names)
            self.values.update(zip(names, parts, strict=False))
            return
        several = isinstance(result, (list, tuple))
        for output, value in zip(
            outputs, result if several else [result] * len(outputs), strict=False
        ):
            for kind, stated in output.items():
                name = text(stated, "name") or text(stated, "as_name")
                known = self.symbol(name) if kind in _SYMBOLS else None
                self.values[name] = value if known is None else known

    # -- what the file states

    def _arguments(self, node: Json) -> tuple[list[Value], dict[str, Value]]:
        positional: list[Value] = []
        named: dict[str, Value] = {}
        for stated in listed(node, "inputs"):
            name, value = text(stated, "name"), self.argument(entries(stated, "arg"))
            if name:
                named[name] = value
            else:
                positional.append(value)
        return positional, named

    def argument(self, stated: Any) -> Value:
        """The value of an argument as it is written down."""
        for kind, value in stated.items() if isinstance(stated, dict) else ():
            if kind in _PLAIN:
                return value
            if kind in ("as_tensor", "as_optional_tensor"):
                name = text(value, "name") or text(entries(value, "as_tensor"), "name")
                return self._named(name) if name else None
            if kind in _LISTS and isinstance(value, list):
                return [self._in_list(item) for item in value]
            if kind in _SYMBOLS:
                return self._symbol_of(value)
            if kind in tuple(f"{symbol}s" for symbol in _SYMBOLS) and isinstance(value, list):
                return [self._symbol_of(item) for item in value]
            if kind == "as_graph":
                return value
        return None

    def _in_list(self, item: Any) -> Value:
        name = text(item, "name")
        return self._named(name) if name else self.argument(item)

    def _named(self, name: str) -> Value:
        return self.values.get(name, Lost(f"value {name!r} is not made"))

    def _symbol_of(self, stated: Any) -> Value:
        name = text(stated, "as_name")
        if name:
            return self.values.get(name, self.symbol(name))
        values = stated.values() if isinstance(stated, dict) else ()
        return next((v for v in values if isinstance(v, (int, float))), None)

    def symbol(self, name: str) -> Any:
        """The number that a symbol stood for when the program was exported."""
        for kind in ("sym_int_values", "sym_bool_values", "sym_float_values"):
            size = _size(entries(self.graph, kind).get(name))
            if size is not None:
                return size
        return None

    def _shapes(self, outputs: list[Json]) -> list[Shape | None]:
        names: list[str] = []
        for output in outputs:
            for kind, stated in output.items():
                if kind in _LISTS and isinstance(stated, list):
                    names += [text(x, "name") for x in stated]
                else:
                    names.append(text(stated, "name"))
        return [self.shape(name) for name in names]

    def shape(self, name: str, unknown: int | None = None) -> Shape | None:
        """The sizes of a tensor when the program was exported; None where one is not stated."""
        value = entries(self.graph, "tensor_values").get(name)
        if not isinstance(value, dict):
            return None
        sizes = [_size(size) for size in listed(value, "sizes")]
        known = [unknown if n is None or n is True or n is False else int(n) for n in sizes]
        found = tuple(n for n in known if n is not None and n >= 0)
        return found if len(found) == len(sizes) else None


def _size(stated: Any) -> Any:
    """A number that is stated, or the hint of an expression."""
    if not isinstance(stated, dict):
        return None
    for kind in ("as_int", "as_bool", "as_float"):
        if isinstance(stated.get(kind), (int, float)):
            return stated[kind]
    hint = entries(stated, "as_expr").get("hint")
    return _size(hint) if isinstance(hint, dict) and "as_expr" not in hint else None
