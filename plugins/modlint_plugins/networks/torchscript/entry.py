"""The method that is called with the network's input, and what it is given."""

from __future__ import annotations

import ast

from modlint_plugins.networks.aten.values import Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.torchscript.objects import Function, ScriptError, ScriptObject
from modlint_plugins.networks.torchscript.undecided import Shape, Undecided, annotated

_RATES = ("sr", "sample_rate", "sampling_rate")
"""Names of a number of samples a second."""


def entry_of(module: Value) -> Function:
    """The method that is called with the network's input."""
    if not isinstance(module, ScriptObject) or module.kind is None:
        raise ScriptError("its code does not hold the module's class")
    methods = module.kind.methods
    named = [m for name, m in methods.items() if name != "forward" and not name.startswith("_")]
    for method in [*(methods[n] for n in ("forward",) if n in methods), *named]:
        function = Function(method, module)
        if any("Tensor" in annotated(a.annotation) for a in inputs_of(function)):
            return function
    raise ScriptError("no method of the module takes a tensor")


def inputs_of(function: Function) -> list[ast.arg]:
    """Parameters without a default, but the module."""
    arguments = function.code.args
    required = len(arguments.args) - len(arguments.defaults)
    return arguments.args[1:required]


def given_for(walk: Walk, name: str, kind: str, shapes: dict[str, Shape]) -> Value:
    """What is given for a parameter of a type."""
    if kind.startswith("Optional"):
        return None
    if kind.startswith(("Tuple[", "List[")):
        inner = kind[kind.index("[") + 1 : -1]
        parts = inner.split(", ") if kind.startswith("Tuple[") and "[" not in inner else [inner]
        made = [given_for(walk, f"{name}.{i}", part, shapes) for i, part in enumerate(parts)]
        return tuple(made) if kind.startswith("Tuple[") else made
    if kind.startswith("Dict["):
        return {}
    if kind != "Tensor":
        return {"int": 16_000 if name in _RATES else 1, "float": 1.0, "bool": False, "str": ""}.get(
            kind
        )
    return walk.tracer.input(name, shapes[name]) if name in shapes else Undecided(name)


def results_of(value: Value) -> list[Traced]:
    """The tensors that a method returns."""
    if isinstance(value, Traced):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [x for part in value for x in results_of(part)] if isinstance(value, (list, tuple)) else []
    )


def part_of(module: Value, path: str) -> Value:
    """A submodule by its path, the module itself by ""."""
    for name in path.split(".") if path else ():
        module = module.attributes.get(name) if isinstance(module, ScriptObject) else None
    return module
