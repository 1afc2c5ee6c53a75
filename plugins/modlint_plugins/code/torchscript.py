"""TorchScript: the code of `torch.jit`, which in an ordinary model only computes on tensors.

What it calls are operators, by namespace and name. Those of torch that neither touch files nor
the network are listed in `torch_operators.txt`, written by `scripts/torch_operators.py`.
Grammar: torch/csrc/jit/serialization/import_source.cpp.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.at_load import computed_at_load
from modlint_plugins.code.expressions import EVALUATED
from modlint_plugins.code.operators import (
    UNCHECKED_OPERATOR,
    UNKNOWN_OPERATOR,
    Judgement,
    judge_class,
    judge_operator,
)
from modlint_plugins.code.parsing import UnparsedError, offset_of_line, parse
from modlint_plugins.code.python_deeds import deeds
from modlint_plugins.code.python_source import ACTING, UNPARSED, told
from modlint_plugins.code.sparse_indices import writes

_BASES = frozenset(("Module", "NamedTuple", "Enum", "ModuleInterface", "Interface", "object"))
_ROOTS = frozenset(("torch", "ops"))
_CLASSES = ("__torch__", "torch", "classes")
CLASS = "classes::"
"""What stands before the namespace and the name of a class of C++."""
_CAST = "unchecked_cast"
_NAMES_OPERATORS = re.compile(rb"\b(?:torch|ops)\s*\.")
_LEGACY = "model.json"
_BEGINS = re.compile(rb"\s*(?:op_version_set\s*=|class\s+\w+|def\s+\w+|import\s+\w+|#)")
_HELP = "do not load this file; ask for its weights as safetensors"


def in_torchscript(name: str, siblings: Collection[str]) -> bool:
    """Whether a member is where the TorchScript of its archive lies, which is found in any case."""
    path = f"/{name.lower()}"
    if "/code/__torch__" in path:
        return True
    root, found, _ = path.rpartition("/code/")
    if not found:
        root, found, _ = path.partition("/code/")
    folder = root.lstrip("/")
    folder += "/" if folder else ""
    marks = (f"{folder}constants.pkl", f"{folder}{_LEGACY}")
    return any(sibling.lower() in marks for sibling in siblings)


def may_be_arena(source: bytes, siblings: Collection[str]) -> bool:
    """Whether a member of any name may be code: before PyTorch 1.2 `model.json` names its place."""
    return _BEGINS.match(source) is not None and any(
        sibling.lower().rpartition("/")[2] == _LEGACY for sibling in siblings
    )


def examine_torchscript(source: bytes) -> Iterator[Remark] | None:
    """Remarks on TorchScript; None where the source is ordinary Python instead.

    torch reads the text as it stands: what it says of its encoding is a comment.
    """
    try:
        tree = parse(source.decode("utf-8-sig", "backslashreplace"))
    except UnparsedError as error:
        message = f"TorchScript code was not examined: {error}"
        return iter((Remark(UNPARSED, message, offset=0, help=_HELP),))
    return _remarks(tree, source) if _is_torchscript(tree) else None


def examine_operators(source: bytes) -> Iterator[Remark]:
    """Remarks on operators that act, in source that may be Python and TorchScript.

    torch passes over every import, of whatever it is.
    """
    try:
        tree = parse(source.decode("utf-8-sig", "backslashreplace"))
    except UnparsedError as error:
        if _NAMES_OPERATORS.search(source):
            yield Remark(UNPARSED, f"TorchScript code was not examined: {error}", None, 0, _HELP)
        return
    for remark in _of_operators(tree, source):
        if remark.kind != UNKNOWN_OPERATOR:
            yield remark


def _is_torchscript(tree: ast.Module) -> bool:
    return all(_allowed(node) for node in tree.body)


def _allowed(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef(decorator_list=[]):
            return True
        case ast.ClassDef(bases=bases, decorator_list=[], keywords=[]):
            return all(isinstance(base, ast.Name) and base.id in _BASES for base in bases)
        case ast.Assign(targets=[ast.Name(id="op_version_set")], value=ast.Constant()):
            return True
        case ast.Import(names=names):
            return all(name.name.split(".")[0] == "__torch__" for name in names)
    return False


def _remarks(tree: ast.Module, source: bytes) -> Iterator[Remark]:
    found = deeds(tree)
    if found:
        offset = offset_of_line(source, found[0].line)
        yield Remark(ACTING, f"TorchScript code {told(found)}", None, offset, _HELP)
    yield from _of_operators(tree, source)


def _of_operators(tree: ast.Module, source: bytes) -> Iterator[Remark]:
    judged: dict[str, Remark] = {}
    for name, line in _used(tree):
        judgement = None if name in judged else judge(name)
        if judgement is not None:
            offset = offset_of_line(source, line)
            message = f"TorchScript code {judgement.message} (line {line})"
            judged[name] = Remark(judgement.kind, message, None, offset, _HELP)
    yield from judged.values()
    yield from _at_load(tree, source)
    yield from _casts(tree, source)
    yield from _of_indices(tree, source)


def judge(name: str) -> Judgement | None:
    """What is said of an operator, or of a class as `classes::namespace.name`."""
    if name.startswith(CLASS) and name != f"{CLASS}*":
        return judge_class(name.removeprefix(CLASS))
    return judge_operator(name)


def _casts(tree: ast.Module, source: bytes) -> Iterator[Remark]:
    """A remark on a cast to a class, which reads whatever lies where an attribute would be."""
    line = next(_cast_lines(tree), None)
    if line is not None:
        message = f"TorchScript code casts to a class unchecked (line {line})"
        offset = offset_of_line(source, line)
        yield Remark(UNCHECKED_OPERATOR, message, None, offset, _HELP)


def _at_load(tree: ast.Module, source: bytes) -> Iterator[Remark]:
    """Remarks on what torch computes while it loads the code, each thing told once."""
    seen: set[str] = set()
    for line, what in computed_at_load(tree):
        if what not in seen:
            seen.add(what)
            message = f"TorchScript code {what}, which runs when the file is loaded (line {line})"
            yield Remark(EVALUATED, message, None, offset_of_line(source, line), _HELP)


def _of_indices(tree: ast.Module, source: bytes) -> Iterator[Remark]:
    """Remarks on what changes the indices of a sparse tensor, each thing told once."""
    seen: set[str] = set()
    for line, what in writes(tree):
        if what not in seen:
            seen.add(what)
            message = f"TorchScript code {what} (line {line})"
            yield Remark(UNCHECKED_OPERATOR, message, None, offset_of_line(source, line), _HELP)


def _cast_lines(tree: ast.Module) -> Iterator[int]:
    """Lines that cast to a class, or to what it is made of, or call a cast by another name."""
    called: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[to, _]) if name == _CAST:
                called.add(node.func)
                if any(isinstance(part, ast.Attribute) for part in ast.walk(to)):
                    yield node.lineno
            case ast.Name(id=name) if name == _CAST and node not in called:
                yield node.lineno


def _used(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What is read of `torch` and `ops`, as "namespace::name", and by which line."""
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value):
                inner.add(value)
                if node not in inner:
                    yield from _of_chain(node)
            case ast.Name(id=name, ctx=ast.Load()) if name in _ROOTS and node not in inner:
                yield f"{name}::*", node.lineno
            case ast.Name(id=name, ctx=ast.Load()) if name == _CLASSES[0] and node not in inner:
                yield f"{CLASS}*", node.lineno


def _of_chain(node: ast.Attribute) -> Iterator[tuple[str, int]]:
    names = [node.attr]
    value: ast.expr = node.value
    while isinstance(value, ast.Attribute):
        names.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name):
        names.append(value.id)
    names.reverse()
    if tuple(names[:3]) == _CLASSES[: len(names)]:
        yield f"{CLASS}{'.'.join(names[3:5])}" if len(names) > 4 else f"{CLASS}*", node.lineno
    elif names[0] == "torch" and isinstance(value, ast.Name):
        yield (
            f"aten::{names[1]}" if len(names) == 2 else f"torch::{'.'.join(names[1:])}",
            node.lineno,
        )
    elif names[0] == "ops" and isinstance(value, ast.Name):
        yield "::".join(names[1:3]) if len(names) > 2 else "ops::*", node.lineno
    elif "from_file" in names:
        yield "aten::from_file", node.lineno
