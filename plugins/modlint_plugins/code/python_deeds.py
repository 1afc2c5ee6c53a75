"""What Python source does beyond computing, as far as its syntax tree tells.

Names are followed through imports, assignments and `getattr` with a constant name. A program can
hide what it does from any such search; so source that is found to do nothing is still source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct

from modlint_plugins.code.callables import acts, importing_acts
from modlint_plugins.code.words import told_as, words

_BUILTINS = {
    **dict.fromkeys(("eval", "exec", "compile", "__import__", "breakpoint"), "runs code from text"),
    **dict.fromkeys(("globals", "__builtins__", "__loader__", "__spec__"), "reaches any name"),
    "open": "reads or writes files",
}
_INTROSPECTION = words(
    "__subclasses__ __globals__ __builtins__ __bases__ __base__ __mro__ __code__ __closure__"
    " __getattribute__ __import__ __loader__ func_globals f_globals f_builtins f_back gi_frame"
    " cr_frame tb_frame"
)
_METHODS = {
    **told_as(
        "starts programs",
        "popen Popen check_output check_call getoutput create_subprocess_shell",
    ),
    **told_as(
        "reads or writes files",
        "write_text write_bytes read_text read_bytes unlink rmdir urlretrieve",
    ),
    **told_as("runs what it loads", "load_library urlopen import_module load_module exec_module"),
}
_KEYWORDS = {"shell": "starts a shell", "trust_remote_code": "runs code of a repository"}
_MAX_PATHS = 8
_MAX_NESTED = 20
_REACHES = "reaches any name"


class Deed(Struct, frozen=True):
    """Something that source does.

    Attributes:
        name: what does it, as a dotted name ("os.system").
        what: what that does, to follow the name ("starts programs").
        line: where, from 1.
    """

    name: str
    what: str
    line: int


def deeds(tree: ast.Module) -> list[Deed]:
    """What the source does, each name once, by line."""
    found: dict[str, Deed] = {}
    for deed in _Search(tree).deeds():
        if deed.name not in found or deed.line < found[deed.name].line:
            found[deed.name] = deed
    return sorted(found.values(), key=lambda deed: (deed.line, deed.name))


class _Search:
    """One search of a tree."""

    def __init__(self, tree: ast.Module) -> None:
        self._nodes = list(ast.walk(tree))  # parents before children
        self._paths: dict[str, set[str]] = {}
        self._bound: set[str] = set()
        self._done: set[ast.AST] = set()
        for node in self._nodes:
            self._bind_imports(node)
        for node in self._nodes:
            self._bind_names(node)

    def deeds(self) -> Iterator[Deed]:
        """Every deed of every node."""
        for node in self._nodes:
            match node:
                case ast.Import() | ast.ImportFrom():
                    yield from _of_import(node)
                case ast.Call():
                    yield from self._of_call(node)
                case ast.Attribute():
                    yield from self._of_attribute(node)
                case ast.Name(ctx=ast.Load()) if node not in self._done:
                    yield from self._of_name(node)
                case ast.Subscript(slice=ast.Constant(value=str(key))) if key in _INTROSPECTION:
                    yield Deed(key, _REACHES, node.lineno)

    def _bind_imports(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names=names):
                for name in names:
                    path = name.name if name.asname else name.name.partition(".")[0]
                    self._bind(name.asname or path, path)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for name in names:
                    self._bind(name.asname or name.name, f"{module}.{name.name}")

    def _bind_names(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                for path in self._resolve(value):
                    self._bind(name, path)
                self._bound.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                self._bound.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                self._bound.add(name)

    def _bind(self, name: str, path: str) -> None:
        paths = self._paths.setdefault(name, set())
        if len(paths) < _MAX_PATHS and path.count(".") < _MAX_NESTED:
            paths.add(path)

    def _resolve(self, node: ast.expr, depth: int = 0) -> tuple[str, ...]:
        """The dotted names that an expression may be, from imports on."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        heads: tuple[str, ...] = ()
        match node:
            case ast.Name(id=name):
                heads = tuple(self._paths.get(name, ()))
            case ast.Call(func=ast.Name(id="getattr"), args=[held, name, *_]) if (
                depth < _MAX_NESTED
            ):
                key = _constant(name)
                if key is not None:
                    heads = tuple(f"{path}.{key}" for path in self._resolve(held, depth + 1))
        tail = "".join(f".{name}" for name in reversed(attributes[-_MAX_NESTED:]))
        return tuple(head + tail for head in heads)

    def _of_call(self, call: ast.Call) -> Iterator[Deed]:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        for key, what in _KEYWORDS.items():
            if isinstance(value := keywords.get(key), ast.Constant) and value.value is True:
                yield Deed(f"{key}=True", what, call.lineno)
        match call:
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[held, name, *_]):
                yield from self._of_getattr(call, held, name)
            case ast.Call(func=ast.Name(id="vars"), args=[held]) if self._resolve(held):
                yield Deed("vars", _REACHES, call.lineno)
            case ast.Call(func=ast.Name(id=name)) if name in _BUILTINS:
                yield Deed(name, _BUILTINS[name], call.lineno)
            case ast.Call(func=ast.Attribute() as function) if "torch.load" in self._resolve(
                function
            ):
                safely = keywords.get("weights_only")
                if isinstance(safely, ast.Constant) and safely.value is True:
                    self._done.add(function)

    def _of_getattr(self, call: ast.Call, held: ast.expr, name: ast.expr) -> Iterator[Deed]:
        key, paths = _constant(name), self._resolve(held)
        if key in _INTROSPECTION or (key is None and paths):
            yield Deed(key or "getattr of a module by a computed name", _REACHES, call.lineno)
        elif key is not None and paths:
            for inner in ast.walk(held):
                self._done.add(inner)
            yield from _judged([f"{path}.{key}" for path in paths], call.lineno)

    def _of_attribute(self, node: ast.Attribute) -> Iterator[Deed]:
        if node.attr in _INTROSPECTION:
            yield Deed(node.attr, _REACHES, node.lineno)
        self._done.add(node.value)
        if node in self._done:
            return
        paths = self._resolve(node)
        yield from _judged(paths, node.lineno)
        if not paths and node.attr in _METHODS:
            yield Deed(node.attr, _METHODS[node.attr], node.lineno)
        if paths and ".__dict__" in paths[0]:
            yield Deed("__dict__ of a module", _REACHES, node.lineno)

    def _of_name(self, node: ast.Name) -> Iterator[Deed]:
        yield from _judged(sorted(self._paths.get(node.id, ())), node.lineno)
        if node.id in _BUILTINS and node.id not in self._bound:
            yield Deed(node.id, _BUILTINS[node.id], node.lineno)


def _of_import(node: ast.Import | ast.ImportFrom) -> Iterator[Deed]:
    if isinstance(node, ast.Import):
        paths = [(name.name, importing_acts(name.name)) for name in node.names]
    elif node.level or node.module is None:
        return
    else:
        module = node.module
        names = [module if n.name == "*" else f"{module}.{n.name}" for n in node.names]
        paths = [(name, acts(name)) for name in names]
    for path, what in paths:
        if what is not None:
            yield Deed(path, what, node.lineno)


def _judged(paths: tuple[str, ...] | list[str], line: int) -> Iterator[Deed]:
    for path in paths:
        what = acts(path)
        if what is not None:
            yield Deed(path, what, line)


def _constant(node: ast.expr, depth: int = 0) -> str | None:
    """The text that an expression of constants is, None where it is computed otherwise."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right) if depth < _MAX_NESTED:
            first, second = _constant(left, depth + 1), _constant(right, depth + 1)
            return None if first is None or second is None else first + second
        case ast.JoinedStr(values=values):
            pieces = [_constant(value, depth + 1) for value in values]
            return None if None in pieces else "".join(p for p in pieces if p is not None)
    return None
