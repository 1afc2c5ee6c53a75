"""The changes that one node of a syntax tree invites, as source text that replaces it."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Change = tuple[str, ast.AST, str]
"""Name of the operator, the node that it changes, and the text that stands instead."""

MAX_VARIANTS = 8
"""Elements, keys or words of one table that are removed, each in a mutant of its own."""

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Lt: ast.GtE, ast.GtE: ast.Lt,
    ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Mod: ast.Add,
}  # fmt: skip
_WORDS = re.compile(r"\s*[\w.]+(?:\s+[\w.]+)+\s*")
_UNTOLD = {"strict"}
"""Keywords whose removal no caller can tell: the check that they ask for never fails."""


def changes(node: ast.AST) -> Iterator[Change]:
    """Every change that belongs to this node; the nodes below it have their own."""
    for kind, operator in _OPERATORS.items():
        if isinstance(node, kind):
            yield from operator(node)


def _compare(node: ast.Compare) -> Iterator[Change]:
    for name, table in (("negate comparison", _NEGATED), ("move boundary", _BOUNDARY)):
        for index, operator in enumerate(node.ops):
            if type(operator) in table:
                changed = copy.deepcopy(node)
                changed.ops[index] = table[type(operator)]()
                yield name, node, _text(changed)


def _boolean(node: ast.BoolOp) -> Iterator[Change]:
    changed = copy.deepcopy(node)
    changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "swap and, or", node, _text(changed)
    for index in range(len(node.values)):
        rest = node.values[:index] + node.values[index + 1 :]
        left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        yield "drop condition", node, _text(left)


def _not(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield "drop not", node, _text(node.operand)


def _test(node: ast.If | ast.While | ast.IfExp) -> Iterator[Change]:
    """A condition that is a call or a name: those with operators are changed by theirs."""
    if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
        yield "negate condition", node.test, f"(not {_text(node.test)})"


def _constant(node: ast.Constant) -> Iterator[Change]:
    match node.value:
        case bool():
            yield "flip constant", node, str(not node.value)
        case int():
            yield "constant + 1", node, str(node.value + 1)
            yield "constant - 1", node, str(node.value - 1)
        case float():
            yield "constant × 2", node, str(node.value * 2)
        case str() | bytes():
            if node.value:
                yield "empty string", node, '""' if isinstance(node.value, str) else 'b""'
            if isinstance(node.value, str) and _WORDS.fullmatch(node.value):
                words = node.value.split()
                for left in _each_without_one(words):
                    yield "drop word", node, repr(" ".join(left))


def _return(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and not _is_none(node.value):
        yield "return None", node, "return None"


def _statement(node: ast.Expr) -> Iterator[Change]:
    if isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom):
        yield "drop statement", node, "pass"


def _raise(node: ast.Raise) -> Iterator[Change]:
    yield "drop raise", node, "pass"


def _break(node: ast.Break) -> Iterator[Change]:
    yield "swap break, continue", node, "continue"


def _continue(node: ast.Continue) -> Iterator[Change]:
    yield "swap break, continue", node, "break"


def _display(node: ast.Tuple | ast.Set | ast.List) -> Iterator[Change]:
    """A table: constants, names and tables of those. Others are rather records than tables."""
    if isinstance(node, ast.Tuple | ast.List) and not isinstance(node.ctx, ast.Load):
        return
    if len(node.elts) > 1 and all(map(_is_plain, node.elts)):
        for left in _each_without_one(node.elts):
            changed = copy.copy(node)
            changed.elts = list(left)
            yield "drop element", node, ast.unparse(changed)


def _dictionary(node: ast.Dict) -> Iterator[Change]:
    if len(node.keys) > 1:
        pairs = list(zip(node.keys, node.values, strict=True))
        for left in _each_without_one(pairs):
            changed = ast.Dict([key for key, _ in left], [value for _, value in left])
            yield "drop key", node, ast.unparse(changed)


def _call(node: ast.Call) -> Iterator[Change]:
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None and keyword.arg not in _UNTOLD:
            changed = copy.copy(node)
            changed.keywords = node.keywords[:index] + node.keywords[index + 1 :]
            yield "drop keyword", node, ast.unparse(changed)


def _arithmetic(node: ast.BinOp) -> Iterator[Change]:
    if type(node.op) in _ARITHMETIC and not _is_type(node):
        changed = copy.copy(node)
        changed.op = _ARITHMETIC[type(node.op)]()
        yield "swap arithmetic", node, _text(changed)


def _augmented(node: ast.AugAssign) -> Iterator[Change]:
    changed = ast.Assign([node.target], node.value)
    yield "drop augmentation", node, ast.unparse(ast.fix_missing_locations(changed))


def _comprehension(node: ast.comprehension) -> Iterator[Change]:
    for condition in node.ifs:
        yield "drop condition", condition, "True"


def _alternatives(node: ast.MatchOr) -> Iterator[Change]:
    for left in _each_without_one(node.patterns):
        yield "drop alternative", node, " | ".join(ast.unparse(pattern) for pattern in left)


def _handler(node: ast.ExceptHandler) -> Iterator[Change]:
    if isinstance(node.type, ast.Tuple):
        for left in _each_without_one(node.type.elts):
            yield "drop exception", node.type, ast.unparse(ast.Tuple(left, ast.Load()))


_OPERATORS: dict[type[ast.AST] | tuple[type[ast.AST], ...], Callable[..., Iterator[Change]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _not,
    (ast.If, ast.While, ast.IfExp): _test,
    ast.Constant: _constant,
    ast.Return: _return,
    ast.Expr: _statement,
    ast.Raise: _raise,
    ast.Break: _break,
    ast.Continue: _continue,
    (ast.Tuple, ast.Set, ast.List): _display,
    ast.Dict: _dictionary,
    ast.Call: _call,
    ast.BinOp: _arithmetic,
    ast.AugAssign: _augmented,
    ast.comprehension: _comprehension,
    ast.MatchOr: _alternatives,
    ast.ExceptHandler: _handler,
}


def _each_without_one(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The sequence without one element, for `MAX_VARIANTS` elements that lie evenly over it."""
    step = max(1, -(-len(items) // MAX_VARIANTS))
    for index in range(0, len(items), step):
        yield [*items[:index], *items[index + 1 :]]


def _text(node: ast.expr) -> str:
    """In brackets: the node may stand where its new operator would bind otherwise."""
    return f"({ast.unparse(ast.fix_missing_locations(node))})"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_plain(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_plain, node.elts))
    return isinstance(node, ast.Constant | ast.Name | ast.Attribute | ast.Starred)


def _is_type(node: ast.BinOp) -> bool:
    """A union of types, `int | None`, which is no arithmetic."""
    sides = (node.left, node.right)
    return isinstance(node.op, ast.BitOr) and any(
        _is_none(side) or (isinstance(side, ast.Name) and side.id[:1].isupper()) for side in sides
    )
