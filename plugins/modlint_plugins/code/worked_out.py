"""Numbers of TorchScript that follow from constants alone: torch works them out while it loads.

A division of whole numbers by zero ends the process, and so does a number of an element type that
is none. Source: torch 2.13, `jit/passes/constant_propagation.cpp`, run on each function that is
read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modlint_plugins.code.dotted import dotted

_DIVISIONS = frozenset(("__round_to_zero_floordiv", "divmod", "floordiv", "gcd", "remainder"))
_DIVIDES = (ast.FloorDiv, ast.Mod)
_OF_TYPES = frozenset(("can_cast", "maximum_value", "minimum_value", "promote_types"))
"""What looks a number up in a table of element types."""
_TYPES = range(46)
_CASTS = frozenset(("annotate", "unchecked_cast"))
"""Calls of a type and a value."""
_OPERATORS = frozenset(("ops", "torch"))
"""Roots of operators' names; other dotted names are methods of what stands before the last dot."""
_CONSTANTS = ("CONSTANTS", "__torch__")
"""Roots of what stands for a constant: those of `constants.pkl`, and members of enumerations."""


def worked_out(function: ast.FunctionDef, final: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Calls with constants alone, which torch would not have written, and that end the process."""
    constant = constants_of(function, final)
    for node in ast.walk(function):
        name, operands = _operation(node)
        if not operands or not all(is_constant(o, constant, final) for o in operands):
            continue
        literals = [o.value if isinstance(o, ast.Constant) else None for o in operands]
        if name in _OF_TYPES and not all(value in _TYPES for value in literals):
            yield getattr(node, "lineno", function.lineno), "names an element type that is none"
        elif name in _DIVISIONS and not literals[-1]:
            yield getattr(node, "lineno", function.lineno), "divides constants"


def _operation(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """The last name of an operator that is called, and its operands; of Python's the like."""
    match node:
        case ast.Call(func=func) if dotted(func).startswith(("ops.", "torch.")):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            return dotted(func).rpartition(".")[2], given
        case ast.BinOp(op=op, left=left, right=right) if isinstance(op, _DIVIDES):
            return "remainder", [left, right]
        case ast.AugAssign(op=op, target=left, value=right) if isinstance(op, _DIVIDES):
            return "remainder", [left, right]
    return "", []


def constants_of(function: ast.FunctionDef, final: frozenset[str]) -> frozenset[str]:
    """The variables of a function that nothing but constants goes into."""
    values = _values(function)
    readers: dict[str, list[str]] = {}
    pending: list[str] = []
    for name, given in values.items():
        needed = {need for v in given if v is not None for need in _needs(v, final)}
        if None in given or not needed <= values.keys():
            pending.append(name)
        for need in needed:
            readers.setdefault(need, []).append(name)
    varying: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in varying:
            varying.add(name)
            pending += readers.get(name, ())
    return frozenset(values.keys() - varying)


def _values(function: ast.FunctionDef) -> dict[str, list[ast.expr | None]]:
    """What each variable of a function is set to; None for what a caller or a loop gives."""
    arguments = function.args
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    values: dict[str, list[ast.expr | None]] = {argument.arg: [None] for argument in named}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                _assign(values, targets, value)
            case (
                ast.AnnAssign(target=target, value=value)
                | ast.AugAssign(target=target, value=value)
            ):
                _assign(values, [target], value)
            case ast.For(target=target):
                _assign(values, [target], None)
    return values


def _assign(
    values: dict[str, list[ast.expr | None]], targets: list[ast.expr], value: ast.expr | None
) -> None:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                values.setdefault(node.id, []).append(value)


def is_constant(value: ast.expr, known: frozenset[str], final: frozenset[str]) -> bool:
    """Whether a value follows from constants and from variables that are known to."""
    return _needs(value, final) <= known


def _needs(value: ast.expr, final: frozenset[str]) -> set[str]:
    """The names that a value follows from beside constants."""
    names, pending = set[str](), [value]
    while pending:
        match pending.pop():
            case ast.Name(id=name):
                names.add(name)
            case ast.Attribute(value=owner, attr=attr) as node:
                if attr not in final and dotted(node).partition(".")[0] not in _CONSTANTS:
                    pending.append(owner)
            case ast.Call(func=func, args=args, keywords=keywords):
                name = dotted(func)
                given = [*args, *(keyword.value for keyword in keywords)]
                pending += given[-1:] if name in _CASTS else given
                if isinstance(func, ast.Attribute) and name.partition(".")[0] not in _OPERATORS:
                    pending.append(func.value)
            case node:
                pending += (n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr))
    return names
