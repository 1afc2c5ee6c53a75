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

from modlint_plugins.code.dotted import dotted
from modlint_plugins.code.worked_out import constants_of, worked_out

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
            yield from worked_out(node, final)
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
                if dotted(getattr(kind, "value", kind)) == "Final":
                    yield name


def _evaluated(value: ast.expr, what: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(value):
        called = dotted(node.func) if isinstance(node, ast.Call) else None
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
        ours = {dotted(call.func).removeprefix(own) for call in calls} & methods.keys()
        pending += ours
        known = _CALLED | {own + name for name in ours}
        constant = constants_of(method, final)
        plain = all(isinstance(node, _STATEMENTS) for node in ast.walk(method))
        usual = all(dotted(c.func) in known or _is_packing(c, constant) for c in calls)
        if not plain or not usual:
            yield method.lineno, f"does more in {_SETTER} than torch's own"
            return


def _is_packing(call: ast.Call, constant: set[ast.expr]) -> bool:
    """Whether a call packs weights, in groups whose number the code itself does not choose."""
    name = dotted(call.func)
    if not name.startswith(_PACKS) or "_prepack" not in name or call.keywords or not call.args:
        return False
    last = call.args[-1]
    none = isinstance(last, ast.Constant) and last.value is None
    return none or last not in constant
