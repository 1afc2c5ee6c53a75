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
        if not operands or not all(operand in constant for operand in operands):
            continue
        literals = [o.value if isinstance(o, ast.Constant) else None for o in operands]
        if name in _OF_TYPES and not all(value in _TYPES for value in literals):
            yield getattr(node, "lineno", function.lineno), "names an element type that is none"
        elif name in _DIVISIONS and not literals[-1]:
            yield getattr(node, "lineno", function.lineno), "divides constants"


def _operation(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """The last name of an operator that is called, and its operands; of Python's the like."""
    match node:
        case ast.Call(func=func):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            return dotted(func).rpartition(".")[2], given
        case ast.BinOp(op=op, left=left, right=right) if isinstance(op, _DIVIDES):
            return "remainder", [left, right]
        case ast.AugAssign(op=op, target=left, value=right) if isinstance(op, _DIVIDES):
            return "remainder", [left, right]
    return "", []


def constants_of(function: ast.FunctionDef, final: frozenset[str]) -> set[ast.expr]:
    """The expressions of a function that may follow from constants alone.

    A name counts from the first constant on that goes into it, in the order of the text, whatever
    else does: torch tells each assignment from the others, and drops the branches and loops that no
    run enters.
    """
    known, constant = set[str](), set[ast.expr]()
    for node in _inside_first(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                known.update(name for t in targets for name in _set_to(t, value, constant))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                known.update(_set_to(target, value, constant))
            case ast.AugAssign(target=target, value=value) if target in constant:
                known.update(_set_to(target, value, constant))
            case ast.expr() if _follows(node, known, constant, final):
                constant.add(node)
    return constant


def _inside_first(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Every node in the order of the text, behind those within it; a value before its names."""
    pending: list[tuple[ast.AST, bool]] = [(function, False)]
    while pending:
        node, done = pending.pop()
        if done:
            yield node
            continue
        pending.append((node, True))
        children = list(ast.iter_child_nodes(node))
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            children.reverse()
        pending += ((child, False) for child in children)


def _set_to(target: ast.expr, value: ast.expr, constant: set[ast.expr]) -> Iterator[str]:
    """The names that a constant goes into."""
    pending = [(target, value)]
    while pending:
        into, given = pending.pop()
        match into, given:
            case (ast.Tuple(elts=names), ast.Tuple(elts=values)) if len(names) == len(values):
                pending += zip(names, values, strict=True)
            case _ if given in constant:
                yield from (node.id for node in ast.walk(into) if isinstance(node, ast.Name))


def _follows(
    node: ast.expr, known: set[str], constant: set[ast.expr], final: frozenset[str]
) -> bool:
    """Whether an expression may follow from constants: of two branches, one is enough."""
    match node:
        case ast.Name(id=name):
            return name in known or name in _CONSTANTS
        case ast.Attribute(value=owner, attr=attr):
            return attr in final or owner in constant
        case ast.Call(func=func, args=args, keywords=keywords):
            name = dotted(func)
            given = [*args, *(keyword.value for keyword in keywords)]
            if isinstance(func, ast.Attribute) and name.partition(".")[0] not in _OPERATORS:
                given.append(func.value)
            return all(value in constant for value in (given[-1:] if name in _CASTS else given))
        case ast.IfExp(body=body, orelse=otherwise):
            return body in constant or otherwise in constant
        case ast.BoolOp(values=values) | ast.Tuple(elts=values):
            return not values or any(value in constant for value in values)
    inner = (n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr))
    return all(value in constant for value in inner)
