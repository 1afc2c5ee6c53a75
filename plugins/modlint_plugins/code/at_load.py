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
_DIVISIONS = frozenset(("__round_to_zero_floordiv", "divmod", "floordiv", "gcd", "remainder"))
_DIVIDES = (ast.FloorDiv, ast.Mod)
_OF_TYPES = frozenset(("can_cast", "maximum_value", "minimum_value", "promote_types"))
"""What looks a number up in a table of element types."""
_TYPES = range(46)
_CASTS = frozenset(("annotate", "unchecked_cast"))
"""Calls of a type and a value."""
_COMPUTES = frozenset(("int", "ops", "torch", *_CASTS))
"""Roots of what is called with numbers, and gives one."""
_CONSTANTS = ("CONSTANTS", "__torch__")
"""Roots of what stands for a constant: those of `constants.pkl`, and members of enumerations."""


def computed_at_load(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines whose code torch runs while it loads, and what they do.

    Args:
        tree: TorchScript.
    """
    final = frozenset(_final(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from _evaluated(default, "a default argument")
            yield from _works_out(node, final)
        elif isinstance(node, ast.ClassDef):
            for statement in node.body:
                value = statement.value if isinstance(statement, ast.AnnAssign) else None
                if value is not None:
                    yield from _evaluated(value, "a constant of a class")
            yield from _sets_state(node, final)


def _final(tree: ast.Module) -> Iterator[str]:
    """Attributes of classes that stand for constants."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind):
                if _name(getattr(kind, "value", kind)) == "Final":
                    yield name


def _evaluated(value: ast.expr, what: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(value):
        called = _name(node.func) if isinstance(node, ast.Call) else None
        if not isinstance(node, _LITERALS) or (called and called not in _MAKES_LITERALS):
            yield value.lineno, f"computes {what}"
            return


def _sets_state(owner: ast.ClassDef, final: frozenset[str]) -> Iterator[tuple[int, str]]:
    """What a class does with its state, but for setting attributes and packing weights."""
    methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
    pending, seen = [_SETTER], set[str]()
    while pending:
        method = methods.get(name := pending.pop())
        if method is None or name in seen:
            continue
        seen.add(name)
        own = f"{method.args.args[0].arg}." if method.args.args else "."
        calls = [node for node in ast.walk(method) if isinstance(node, ast.Call)]
        ours = {_name(call.func).removeprefix(own) for call in calls} & methods.keys()
        pending += ours
        known = _CALLED | {own + name for name in ours}
        constant = _constants(method, final)
        plain = all(isinstance(node, _STATEMENTS) for node in ast.walk(method))
        usual = all(_name(c.func) in known or _is_packing(c, constant, final) for c in calls)
        if not plain or not usual:
            yield method.lineno, f"does more in {_SETTER} than torch's own"
            return


def _is_packing(call: ast.Call, known: frozenset[str], final: frozenset[str]) -> bool:
    """Whether a call packs weights, in groups whose number the code itself does not choose."""
    name = _name(call.func)
    if not name.startswith(_PACKS) or "_prepack" not in name or call.keywords or not call.args:
        return False
    last = call.args[-1]
    none = isinstance(last, ast.Constant) and last.value is None
    return none or not _is_constant(last, known, final)


def _works_out(function: ast.FunctionDef, final: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Calls with constants alone, which torch would not have written, and that end the process."""
    constant = _constants(function, final)
    for node in ast.walk(function):
        name, operands = _operation(node)
        if not operands or not all(_is_constant(o, constant, final) for o in operands):
            continue
        literals = [o.value if isinstance(o, ast.Constant) else None for o in operands]
        if name in _OF_TYPES and not all(value in _TYPES for value in literals):
            yield getattr(node, "lineno", function.lineno), "names an element type that is none"
        elif name in _DIVISIONS and not literals[-1]:
            yield getattr(node, "lineno", function.lineno), "divides constants"


def _operation(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """The last name of an operator that is called, and its operands; of Python's the like."""
    match node:
        case ast.Call(func=func) if _name(func).startswith(("ops.", "torch.")):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            return _name(func).rpartition(".")[2], given
        case ast.BinOp(op=op, left=left, right=right) if isinstance(op, _DIVIDES):
            return "remainder", [left, right]
        case ast.AugAssign(op=op, target=left, value=right) if isinstance(op, _DIVIDES):
            return "remainder", [left, right]
    return "", []


def _constants(function: ast.FunctionDef, final: frozenset[str]) -> frozenset[str]:
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
            if all(v is not None and _is_constant(v, known, final) for v in values[name])
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


def _is_constant(value: ast.expr, known: frozenset[str], final: frozenset[str]) -> bool:
    """Whether a value follows from constants and from variables that are known to."""
    if isinstance(value, ast.Attribute):
        return value.attr in final or _name(value).partition(".")[0] in _CONSTANTS
    if isinstance(value, ast.Name):
        return value.id in known
    if isinstance(value, ast.Call):
        name = _name(value.func)
        given = [*value.args, *(keyword.value for keyword in value.keywords)]
        if name in _CASTS:
            given = given[-1:]
        root = name.partition(".")[0]
        return root in _COMPUTES and all(_is_constant(arg, known, final) for arg in given)
    inner = [node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)]
    return all(_is_constant(node, known, final) for node in inner)


def _name(node: ast.expr) -> str:
    """A dotted name, "" of anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(names))) if isinstance(node, ast.Name) else ""
