"""What it costs sympy to work an expression out, told before it is worked out.

sympy evaluates while it builds: numbers are raised and rounded to the last digit (`floor(exp(…))`),
polynomials are divided (`Mod`, `FloorDiv`), every operand of a maximum is compared with every
other, and fractions are brought to one denominator. What torch writes of sizes stays far below
each limit.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from msgspec import Struct

MAX_POWER = 4096
"""The largest power, of powers the product."""
MAX_POWERS = 16_384
"""The sum of all powers."""
MAX_TERMS = 1024
"""Terms of a polynomial once it is multiplied out."""
MAX_OPERANDS = 100
"""Operands of all maxima and minima."""
MAX_FRACTIONS = 500
"""Fractions of numbers."""

_RAISED = ("Pow", "PowByNatural", "FloatPow", "LShift")
_RAISED_E = ("exp", *(f"OpaqueUnaryFn_{name}" for name in ("exp", "cosh", "sinh")))
_SMALL_CONSTANTS = ("pi", "E")
_ABOVE_PI = 4


class _Of(Struct, frozen=True):
    """What is known of a part: its terms, and whether it is of numbers alone."""

    terms: int
    numeric: bool


def too_costly(body: ast.expr) -> str | None:
    """Why an expression takes too long to work out, None where it does not."""
    nodes = [node for node in ast.walk(body) if isinstance(node, ast.expr)]
    if _powers(body) > MAX_POWERS:
        return "it holds a power that takes too long to work out"
    compared = (node for node in nodes if _called(node) in ("Max", "Min"))
    operands = sum(len(node.args) for node in compared if isinstance(node, ast.Call))
    if operands > MAX_OPERANDS:
        return f"it compares more than {MAX_OPERANDS} operands"
    known: dict[ast.expr, _Of] = {}
    fractions = 0
    for node in reversed(nodes):  # what is within a node comes before it
        inner = [known[part] for part in ast.iter_child_nodes(node) if part in known]
        values = inner[1:] if isinstance(node, ast.Call) else inner
        numeric = all(part.numeric for part in values) and not _is_symbol(node)
        known[node] = _Of(min(_terms(node, inner), MAX_TERMS + 1), numeric)
        fractions += int(numeric and _is_fraction(node))
        if known[node].terms > MAX_TERMS:
            return f"it has more than {MAX_TERMS:,} terms once it is multiplied out"
    if fractions > MAX_FRACTIONS:
        return f"it holds more than {MAX_FRACTIONS} fractions"
    return None


def _called(node: ast.expr) -> str:
    """The name of the function that a node calls, "" where it calls none."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _is_symbol(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name):
            return name not in _SMALL_CONSTANTS
        case ast.Call():
            return _called(node) in ("Symbol", "Dummy")
    return False


def _is_fraction(node: ast.expr) -> bool:
    match node:
        case ast.BinOp(op=ast.Div() | ast.Pow()):
            return True
    return _called(node) in ("Rational", "IntTrueDiv", "FloatTrueDiv", *_RAISED)


def _terms(node: ast.expr, inner: list[_Of]) -> int:
    """Terms of the polynomial that a node is, from those of its parts."""
    terms = [part.terms for part in inner]
    raised = _raised(node)
    if raised is not None and _called(node) not in _RAISED_E:
        base = terms[-2] if len(terms) > 1 else 1
        return math.comb(min(_factor(raised), MAX_POWER) + base - 1, base - 1)
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return sum(terms)
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            return math.prod(terms)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return max(terms, default=1)
    parts = terms[1:]  # the first is the function's name, which `ast` counts among the values
    match _called(node):
        case "Add":
            return sum(parts)
        case "Mul":
            return math.prod(parts)
    return 1


def _raised(node: ast.expr) -> ast.expr | None:
    """The exponent of a node that is a power, of any base."""
    match node:
        case ast.BinOp(op=ast.Pow(), right=exponent):
            return exponent
        case ast.Call(args=[_, exponent]) if _called(node) in _RAISED:
            return exponent
        case ast.Call(args=[exponent]) if _called(node) in _RAISED_E:
            return exponent
    return None


def _powers(body: ast.expr) -> int:
    """The sum of all powers, each times those around it; more than the limit where one is."""
    total = 0
    pending = [(body, 1)]
    while pending:
        node, power = pending.pop()
        exponent = _raised(node)
        if exponent is not None:
            power *= _factor(exponent)
            total += power
        if power > MAX_POWER or total > MAX_POWERS:
            return MAX_POWERS + 1
        inner = (part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))
        pending += ((part, power) for part in inner)
    return total


def _factor(exponent: ast.expr) -> int:
    """How large an exponent can become: the product of its numbers; a tower of powers is too."""
    factor = count = 1
    for node in ast.walk(exponent):
        if isinstance(node, ast.expr) and _raised(node) is not None:
            return MAX_POWER + 1
        for number in _numbers(node):
            count += 1
            factor = min(factor * max(math.ceil(abs(number)), 1), MAX_POWER + 1)
    return max(factor, count - 1)


def _numbers(node: ast.AST) -> Iterator[float]:
    match node:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as number):
            yield min(number, MAX_POWER + 1)
        case ast.Constant(value=str(text)):
            yield from _written(text)
        case ast.Name(id=name) if name in _SMALL_CONSTANTS:
            yield _ABOVE_PI


def _written(text: str) -> Iterator[float]:
    """The number that a text is, as `Float('1.5e3')` has it."""
    try:
        number = abs(float(text))
    except ValueError:
        return
    yield min(number, MAX_POWER + 1) if number == number else 1
