"""Python source that a checkpoint carries: a server's handler, a package, a model's own classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from modlint.checkpoint import Remark
from modlint_plugins.code.parsing import UnparsedError, offset_of_line, parse
from modlint_plugins.code.python_deeds import Deed, deeds

PRESENT = "python-code"
ACTING = "acting-code"
UNPARSED = "unparsed-code"

_LISTED = 3
_BEGINS = re.compile(
    rb"^(?:#!.{0,80}python|(?:import|from)\s+[\w.]+|def\s+\w+\s*\(|class\s+\w+|@\w+)", re.MULTILINE
)
_WORDS = re.compile(
    r"\b(?:os|subprocess|socket|sys|shutil|ctypes|pty|pickle|marshal|importlib|urllib|requests"
    r"|eval|exec|compile|open|__import__|__builtins__|getattr|popen|system)\b"
)
_HELP = "read it before anything loads this file; keep the tensors only, as safetensors"


def named_python(name: str) -> bool:
    """Whether a path is one of Python source."""
    return PurePosixPath(name.lower()).suffix in (".py", ".pyw", ".pyi")


def examine_python(source: bytes, name: str, siblings: Collection[str]) -> Iterator[Remark]:
    """One remark on a file of Python source: what it does, or that it is there."""
    what = f"Python source{runner(name, siblings)}"
    try:
        tree = parse(source)
    except UnparsedError as error:
        words = list(dict.fromkeys(_WORDS.findall(source.decode("utf-8", "replace"))))
        named = f"; it names {', '.join(words[:_LISTED])}" if words else ""
        message = f"{what} was not examined: {error}{named}"
        yield Remark(UNPARSED, message, offset=0, help=_HELP)
        return
    found = deeds(tree)
    if not found and not _empty(tree):
        yield Remark(PRESENT, f"{what} is present", offset=0, help=_HELP)
    elif found:
        offset = offset_of_line(source, found[0].line)
        yield Remark(ACTING, f"{what} does more than compute: {told(found)}", None, offset, _HELP)


def examine_text(source: bytes) -> Iterator[Remark]:
    """A remark on text of another name that is Python source and acts."""
    if not _BEGINS.search(source[:4096]):
        return
    try:
        found = deeds(parse(source))
    except UnparsedError:
        return
    if found:
        offset = offset_of_line(source, found[0].line)
        yield Remark(ACTING, f"text that is Python source: {told(found)}", None, offset, _HELP)


def _empty(tree: ast.Module) -> bool:
    return all(isinstance(node, ast.Pass) or _is_text(node) for node in tree.body)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def told(found: list[Deed]) -> str:
    """What source does, the first of it."""
    listed = [f"{deed.name} {deed.what} (line {deed.line})" for deed in found[:_LISTED]]
    more = len(found) - len(listed)
    return ", ".join(listed) + (f", and {more:,} more" if more else "")


def runner(name: str, siblings: Collection[str]) -> str:
    """Who runs a source file, to follow what it is: " that TorchServe runs"."""
    root = name.partition("/")[0]
    if any(
        place in siblings for place in ("MAR-INF/MANIFEST.json", f"{root}/MAR-INF/MANIFEST.json")
    ):
        return " that TorchServe runs"
    package = (f"{root}/.data/extern_modules", f"{root}/.data/python_version")
    if any(place in siblings for place in (*package, ".data/extern_modules")):
        return " that torch.package runs"
    if siblings and name.removeprefix("./").startswith("code/"):
        return " that SageMaker runs"
    return ""
