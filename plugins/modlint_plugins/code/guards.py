"""Guards of an exported program (.pt2): texts that torch writes into a function and executes.

`ExportedProgram.module()` puts each text of `guards_code` into Python source. Source: torch 2.13,
`export/_unlift.py`, `_convert_guards_code_to_fn`; what torch itself writes there:
`fx/experimental/symbolic_shapes.py`, `ShapeGuardPythonPrinter`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table
from modlint_plugins.code.expressions import EVALUATED, MAX_EXPRESSION

KEY = "guards_code"

_INPUTS = "L"
_METHODS = frozenset(("size", "stride", "storage_offset", "item"))
_FUNCTIONS = frozenset(
    (
        *("max", "min", "abs", "int", "float", "bool", "round"),
        *("cast_symbool_to_symint_guardless", "IsNonOverlappingAndDenseIndicator"),
    )
)
_OF_MODULE = re.compile(
    r"math\.(?:trunc|floor|ceil|sqrt|exp|log|log2|pow|a?(?:sin|cos|tan)h?|isnan|isinf)"
    r"|torch\._?sym_(?:float|int|max|min|not|ite|sum|sqrt|cos|sin|tan|exp|log2?|a(?:sin|cos|tan)|cosh|sinh|tanh)"
)
_CONSTANTS = frozenset(("inf", "math.inf", "math.nan", "math.pi"))
_KEY_TEXT = re.compile(r"[\w.\-/]{0,200}")
_SHOWN = 80
_HELP = "do not load this program: it runs that text"


def examine_guards(table: Table) -> Iterator[Remark]:
    """Remarks on guards that are more than conditions on the sizes of inputs."""
    for value in table.values(KEY):
        for text in dict.fromkeys(text for text in _texts(value) if not is_guard(text)):
            message = f"holds the guard {text[:_SHOWN]!r}, which torch executes as Python"
            yield Remark(EVALUATED, message, help=_HELP)


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def is_guard(text: str) -> bool:
    """Whether a text is a condition on numbers, and on sizes of inputs, and nothing else."""
    if len(text) > MAX_EXPRESSION or any(mark in text for mark in "\n\r#\\;"):
        return False
    try:
        pending: list[ast.expr] = [ast.parse(text.strip(), mode="eval").body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    while pending:
        inner = _inner(pending.pop())
        if inner is None:
            return False
        pending += inner
    return True


def _inner(node: ast.expr) -> list[ast.expr] | None:
    """The expressions within one that is allowed, None where it is not."""
    match node:
        case ast.Constant(value=value):
            return [] if value is None or isinstance(value, (bool, int, float)) else None
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.BoolOp(values=values) | ast.Tuple(elts=values):
            return values
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return [test, body, orelse]
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.Call(func=ast.Attribute(value=held, attr=name), args=arguments, keywords=[]) if (
            name in _METHODS and _is_input(held)
        ):
            return arguments
        case ast.Call(func=called, args=arguments, keywords=[]):
            path = _path(called)
            return arguments if path in _FUNCTIONS or _OF_MODULE.fullmatch(path) else None
        case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int())):
            return [call]
    return [] if _path(node) in _CONSTANTS or _is_input(node) else None


def _path(node: ast.expr) -> str:
    """A dotted name of at most two parts, "" for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return f"{module}.{name}"
    return ""


def _is_input(node: ast.expr) -> bool:
    """Whether an expression is an input of the program, or an item or a field of one."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Subscript(value=held, slice=ast.Constant(value=int())):
                node = held
            case ast.Subscript(value=held, slice=ast.Constant(value=str(key))) if (
                _KEY_TEXT.fullmatch(key)
            ):
                node = held
            case ast.Attribute(value=held, attr=name) if not name.startswith("_"):
                node = held
            case _:
                return False
    return node.id == _INPUTS
