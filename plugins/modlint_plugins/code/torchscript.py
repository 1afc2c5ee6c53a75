"""TorchScript: the code of `torch.jit`, which in an ordinary model only computes on tensors.

What it calls are operators, by namespace and name. Those of torch that neither touch files nor
the network are listed in `torch_operators.txt`, written by `scripts/torch_operators.py`.
Grammar: torch/csrc/jit/serialization/import_source.cpp.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.operators import UNCHECKED_OPERATOR, judge_operator
from modlint_plugins.code.parsing import UnparsedError, offset_of_line, parse
from modlint_plugins.code.python_deeds import deeds
from modlint_plugins.code.python_source import ACTING, UNPARSED, told
from modlint_plugins.code.words import words

_BASES = frozenset(("Module", "NamedTuple", "Enum", "ModuleInterface", "Interface", "object"))
_ROOTS = frozenset(("torch", "ops"))
_CLASSES = ("__torch__", "torch", "classes")
_OWN_CLASSES = words(
    "quantized sparse rnn mkldnn xnnpack metal vulkan caffe2 dist_rpc dist_c10d c10d profiler nnapi"
    " cuda aten _test torchvision torchaudio torchtext torio"
)
_HELP = "do not load this file; ask for its weights as safetensors"


def in_torchscript(name: str, siblings: Collection[str]) -> bool:
    """Whether a member is where the TorchScript of its archive lies."""
    root, found, _ = f"/{name}".rpartition("/code/")
    if not found:
        root, found, _ = f"/{name}".partition("/code/")
    folder = root.lstrip("/")
    folder += "/" if folder else ""
    marks = (f"{folder}constants.pkl", f"{folder}model.json")
    return "/code/__torch__" in f"/{name}" or any(mark in siblings for mark in marks)


def examine_torchscript(source: bytes) -> Iterator[Remark] | None:
    """Remarks on TorchScript; None where the source is ordinary Python instead."""
    try:
        tree = parse(source)
    except UnparsedError as error:
        message = f"TorchScript code was not examined: {error}"
        return iter((Remark(UNPARSED, message, offset=0, help=_HELP),))
    return _remarks(tree, source) if _is_torchscript(tree) else None


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
    judged: dict[str, Remark] = {}
    for name, line in _used(tree):
        judgement = None if name in judged else judge_operator(name)
        if judgement is not None:
            offset = offset_of_line(source, line)
            message = f"TorchScript code {judgement.message} (line {line})"
            judged[name] = Remark(judgement.kind, message, None, offset, _HELP)
    yield from judged.values()
    yield from _casts(tree, source)


def _casts(tree: ast.Module, source: bytes) -> Iterator[Remark]:
    """A remark on a cast to a class, which reads whatever lies where an attribute would be."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="unchecked_cast"), args=[ast.Attribute() as cls, _]):
                if ast.unparse(cls).startswith("__torch__."):
                    message = f"TorchScript code casts to a class unchecked (line {node.lineno})"
                    offset = offset_of_line(source, node.lineno)
                    yield Remark(UNCHECKED_OPERATOR, message, None, offset, _HELP)
                    return


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


def _of_chain(node: ast.Attribute) -> Iterator[tuple[str, int]]:
    names = [node.attr]
    value: ast.expr = node.value
    while isinstance(value, ast.Attribute):
        names.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name):
        names.append(value.id)
    names.reverse()
    if tuple(names[:3]) == _CLASSES and len(names) > 3:
        if names[3] not in _OWN_CLASSES:
            yield f"classes::{names[3]}", node.lineno
    elif names[0] == "torch" and isinstance(value, ast.Name):
        yield (
            f"aten::{names[1]}" if len(names) == 2 else f"torch::{'.'.join(names[1:])}",
            node.lineno,
        )
    elif names[0] == "ops" and isinstance(value, ast.Name):
        yield "::".join(names[1:3]) if len(names) > 2 else "ops::*", node.lineno
    elif "from_file" in names:
        yield "aten::from_file", node.lineno
