"""TorchScript that torch computes while it loads a file, before anything is called.

Default arguments and the constants of a class are evaluated, `__setstate__` is run, and numbers
that follow from constants alone are worked out. Operators believe much of what they are given, and
a division of whole numbers ends the process. What torch itself writes there is literals, and the
packing of quantised weights. Sources: torch 2.13, `jit/serialization/import_source.cpp` and
`import.cpp`; `jit/frontend/script_type_parser.cpp`, `evaluateDefaults`; `jit/passes/
constant_propagation.cpp`; `torch/ao/nn/quantized/modules`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_SETTER = "__setstate__"
_LITERALS = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Dict, ast.Subscript),
    *(ast.UnaryOp, ast.expr_context, ast.unaryop, ast.Call),
)
_MAKES_LITERALS = frozenset(
    ("annotate", "bool", "complex", "float", "int", "str", "torch.complex", "torch.device")
)
_STATEMENTS = (
    *(ast.FunctionDef, ast.arguments, ast.arg, ast.Assign, ast.AnnAssign, ast.Expr, ast.Return),
    *(ast.If, ast.Pass, ast.Slice, *_LITERALS),
)
_PLAIN = frozenset(
    f"torch.{name}"
    for name in (
        *("__contains__", "__getitem__", "__is__", "__isnot__", "__not__", "add", "append", "dim"),
        *("eq", "format", "len", "mul", "ne", "neg", "size", "sub"),
    )
)
_CALLED = _PLAIN | _MAKES_LITERALS | {"getattr", "ops.prim.RaiseException", "unchecked_cast"}
_PACKS = ("ops._quantized.", "ops.quantized.", "ops.sparse.")
_DIVISIONS = frozenset(
    f"torch.{name}"
    for name in ("__round_to_zero_floordiv", "divmod", "floordiv", "gcd", "remainder")
)
_OF_TYPES = frozenset(
    (
        *("torch.can_cast", "torch.promote_types"),
        *("ops.prims.maximum_value", "ops.prims.minimum_value"),
    )
)
"""What looks a number up in a table of element types."""
_TYPES = range(46)
_DIVIDES = (ast.FloorDiv, ast.Mod)
_COMPUTES = frozenset(("annotate", "int", "ops", "torch", "unchecked_cast"))
"""Roots of what is called with numbers, and gives one."""
_CONSTANTS = ("CONSTANTS", "__torch__")
"""Roots of what stands for a constant: those of `constants.pkl`, and members of enumerations."""


def computed_at_load(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines whose code torch runs while it loads, and what they do.

    Args:
        tree: TorchScript.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from _evaluated(default, "a default argument")
            yield from _divides(node)
            yield from _looks_up(node)
        elif isinstance(node, ast.ClassDef):
            for statement in node.body:
                value = statement.value if isinstance(statement, ast.AnnAssign) else None
                if value is not None:
                    yield from _evaluated(value, "a constant of a class")
            yield from _sets_state(node)


def _evaluated(value: ast.expr, what: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(value):
        called = _name(node.func) if isinstance(node, ast.Call) else None
        if not isinstance(node, _LITERALS) or (called and called not in _MAKES_LITERALS):
            yield value.lineno, f"computes {what}"
            return


def _sets_state(owner: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """What a class does with its state, but for setting attributes and packing weights."""
    methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
    pending, seen = [_SETTER], set[str]()
    while pending:
        method = methods.get(name := pending.pop())
        if method is None or name in seen:
            continue
        seen.add(name)
        own = f"{method.args.args[0].arg}." if method.args.args else "."
        called = {_name(node.func) for node in ast.walk(method) if isinstance(node, ast.Call)}
        ours = {name.removeprefix(own) for name in called if name.startswith(own)} & methods.keys()
        pending += ours
        plain = all(isinstance(node, _STATEMENTS) for node in ast.walk(method))
        if not plain or not all(map(_is_usual, called - {own + name for name in ours})):
            yield method.lineno, f"does more in {_SETTER} than torch's own"
            return


def _is_usual(name: str) -> bool:
    return name in _CALLED or (name.startswith(_PACKS) and "_prepack" in name)


def _divides(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Divisions of what follows from constants alone: torch would not have written them."""
    constant = _constants(function)
    for node in ast.walk(function):
        match node:
            case ast.Call(func=func, args=[left, right]) if _name(func) in _DIVISIONS:
                pass
            case ast.BinOp(op=op, left=left, right=right) if isinstance(op, _DIVIDES):
                pass
            case ast.AugAssign(op=op, target=left, value=right) if isinstance(op, _DIVIDES):
                pass
            case _:
                continue
        safe = isinstance(right, ast.Constant) and right.value != 0
        if not safe and _is_constant(left, constant) and _is_constant(right, constant):
            yield node.lineno, "divides constants"


def _looks_up(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Numbers of element types that are none, as far as they are literals."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _name(node.func) in _OF_TYPES:
            known = (arg.value if isinstance(arg, ast.Constant) else -1 for arg in node.args)
            constant = _constants(function)
            settled = all(_is_constant(arg, constant) for arg in node.args)
            if settled and not all(value in _TYPES for value in known):
                yield node.lineno, "names an element type that is none"


def _constants(function: ast.FunctionDef) -> frozenset[str]:
    """The variables of a function that nothing but constants goes into."""
    values: dict[str, list[ast.expr | None]] = {}
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        values[argument.arg] = [None]
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _assign(values, target, value)
            case (
                ast.AnnAssign(target=target, value=value)
                | ast.AugAssign(target=target, value=value)
            ):
                _assign(values, target, value)
            case ast.For(target=target):
                _assign(values, target, None)
    known = frozenset(values)
    while True:
        kept = frozenset(
            name
            for name in known
            if all(value is not None and _is_constant(value, known) for value in values[name])
        )
        if kept == known:
            return known
        known = kept


def _assign(
    values: dict[str, list[ast.expr | None]], target: ast.expr, value: ast.expr | None
) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            values.setdefault(node.id, []).append(value)


def _is_constant(value: ast.expr, known: frozenset[str]) -> bool:
    """Whether a value follows from constants and from variables that are known to."""
    if isinstance(value, ast.Attribute):
        return _name(value).partition(".")[0] in _CONSTANTS
    if isinstance(value, ast.Name):
        return value.id in known
    if isinstance(value, ast.Call):
        root = _name(value.func).partition(".")[0]
        return root in _COMPUTES and all(_is_constant(arg, known) for arg in value.args)
    inner = [node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)]
    return all(_is_constant(node, known) for node in inner)


def _name(node: ast.expr) -> str:
    """A dotted name, "" of anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(names))) if isinstance(node, ast.Name) else ""
