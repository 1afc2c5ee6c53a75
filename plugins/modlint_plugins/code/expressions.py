"""Symbolic expressions of exported programs: `sympy.sympify` evaluates them as Python.

torch writes `sympy.srepr` of sizes (`Add(Symbol('s0', integer=True), Integer(1))`) and reads them
with sympify (torch/_export/serde/serialize.py, `_parse_sym_expr`). What torch writes is a small
language; anything else could be any program.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.expression_costs import too_costly
from modlint_plugins.code.words import words

EVALUATED = "evaluated-expression"
KEY = "expr_str"
MAX_EXPRESSION = 100_000

FUNCTIONS = words(
    # torch.utils._sympy.functions
    "FloorDiv ModularIndexing Where PythonMod Mod CleanDiv CeilToInt FloorToInt CeilDiv IntTrueDiv"
    " FloatTrueDiv LShift RShift IsNonOverlappingAndDenseIndicator TruncToFloat TruncToInt"
    " RoundToInt RoundDecimal ToFloat FloatPow PowByNatural Identity Max Min BitwiseFn_bitwise_and"
    " BitwiseFn_bitwise_or BitwiseFn_bitwise_xor"
    " OpaqueUnaryFn_sqrt OpaqueUnaryFn_cos OpaqueUnaryFn_cosh OpaqueUnaryFn_sin OpaqueUnaryFn_sinh"
    " OpaqueUnaryFn_tan OpaqueUnaryFn_tanh OpaqueUnaryFn_asin OpaqueUnaryFn_acos OpaqueUnaryFn_atan"
    " OpaqueUnaryFn_exp OpaqueUnaryFn_log OpaqueUnaryFn_asinh OpaqueUnaryFn_log2"
    # sympy's own
    " Add Mul Pow Symbol Dummy Integer Float Rational Equality Unequality GreaterThan LessThan"
    " StrictGreaterThan StrictLessThan Eq Ne Ge Gt Le Lt And Or Not ITE Piecewise ExprCondPair Abs"
    " Tuple floor ceiling sqrt sin cos tan exp log sign BooleanTrue BooleanFalse"
)
_CONSTANTS = words("true false True False oo zoo nan pi E int_oo")
_ASSUMPTIONS = words(
    "integer positive negative zero nonzero nonnegative nonpositive real finite infinite"
    " commutative rational complex extended_real even odd dummy_index precision evaluate"
)
_SYMBOL = re.compile(r"[A-Za-z_]\w{0,99}")
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{0,60})?(?:e[+-]?\d{1,4})?|-?(?:inf|nan)")
_MAX_NUMBER = 1 << 80
_OF_TWO = words("Pow PowByNatural FloatPow LShift")
_OPERATORS = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr,
    ast.BitXor,
)  # fmt: skip
_SHOWN = 100
_HELP = "do not load this program: torch.export.load evaluates the text"


def examine_expression(text: str) -> Iterator[Remark]:
    """A remark on an expression that is not of torch's small language."""
    problem = refusal(text)
    if problem is not None:
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        message = f"holds the expression {shown!r}, which loading evaluates: {problem}"
        yield Remark(EVALUATED, message, help=_HELP)


def refusal(text: str) -> str | None:
    """Why an expression is outside of the language, None where it is within."""
    if len(text) > MAX_EXPRESSION:
        return f"it has more than {MAX_EXPRESSION:,} characters"
    if any(mark in text for mark in "\n\r#\\;"):
        return "it holds more than an expression"
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "it does not parse"
    pending = [tree.body]
    while pending:
        node = pending.pop()
        inner = _inner(node)
        if inner is None:
            return f"{_what(node)} is nothing that torch writes"
        pending += inner
    return too_costly(tree.body)


def _inner(node: ast.expr) -> list[ast.expr] | None:
    """The expressions within one that is allowed, None where it is not."""
    match node:
        case ast.Constant(value=value):
            return [] if _small(value) else None
        case ast.Name(id=name) if _SYMBOL.fullmatch(name) and not name.startswith("__"):
            return []
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not() | ast.Invert(), operand=operand):
            return [operand]
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
            return [left, right]
        case ast.BoolOp(values=values) | ast.Tuple(elts=values):
            return values
        case ast.Compare(left=left, comparators=others, ops=ops) if all(map(_ordinary, ops)):
            return [left, *others]
        case ast.Call():
            return _of_call(node)
    return None


def _small(value: object) -> bool:
    """Whether a constant is a number of ordinary size."""
    if isinstance(value, int):
        return abs(value) < _MAX_NUMBER
    return isinstance(value, float) and math.isfinite(value)


def _of_call(call: ast.Call) -> list[ast.expr] | None:
    if not isinstance(call.func, ast.Name) or call.func.id not in FUNCTIONS:
        return None
    if any(k.arg not in _ASSUMPTIONS or not _plain(k.value) for k in call.keywords):
        return None
    name = call.func.id
    match call.args:
        case [ast.Constant(value=str(text))] if name in ("Symbol", "Dummy"):
            return [] if _SYMBOL.fullmatch(text) else None
        case [ast.Constant(value=str(text))] if name == "Float":
            return [] if _NUMBER.fullmatch(text) else None
    if name in _OF_TWO and len(call.args) != 2:
        return None
    return list(call.args)


def _plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, type(None)))


def _ordinary(operator: ast.cmpop) -> bool:
    return not isinstance(operator, (ast.Is, ast.IsNot, ast.In, ast.NotIn))


def _what(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return f"a call of {name}"
        case ast.Call():
            return "a call"
        case ast.Attribute(attr=name):
            return f"the attribute {name}"
        case ast.Constant(value=str()):
            return "a text"
    return type(node).__name__
