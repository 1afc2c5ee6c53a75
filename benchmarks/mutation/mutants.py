"""Every mutant of a file: where it lies, what stands there instead, and which block holds it."""

from __future__ import annotations

import ast
import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mutation.operators import changes

_UNTOUCHED = {"annotation", "returns", "decorator_list", "bases"}
"""Fields that state types and decorations: no test of behaviour could tell."""
_UNTOUCHED_NAMES = {"__all__", "__slots__"}


@dataclass(frozen=True)
class Mutant:
    """A change of one node.

    Attributes:
        id: the same for as long as the function, the node and the change are.
        path: of the file, relative to the repository's root.
        line: of the node, counted from 1.
        operator: what kind of change it is.
        begin: offset of the node's first byte.
        end: offset behind its last byte.
        original: the node's text.
        replacement: the text that stands instead.
        block: the innermost block of a function that holds it; None where it acts on import.
    """

    id: str
    path: str
    line: int
    operator: str
    begin: int
    end: int
    original: str
    replacement: str
    block: str | None

    def apply(self, content: bytes) -> bytes:
        """The file with this change."""
        return content[: self.begin] + self.replacement.encode() + content[self.end :]

    def compiles(self, content: bytes) -> bool:
        """Whether the changed file is Python, and another tree than before."""
        try:
            changed = ast.dump(ast.parse(self.apply(content)))
        except (SyntaxError, ValueError):
            return False
        return changed != ast.dump(ast.parse(content))


@dataclass(frozen=True)
class _Place:
    """Where the walk is."""

    scope: str = ""
    block: str | None = None
    cached: bool = False


def mutants(root: Path, path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of the text."""
    content = path.read_bytes()
    relative = path.relative_to(root).as_posix()
    starts = _line_starts(content)
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for owner, place in _nodes(relative, ast.parse(content), _Place()):
        for operator, node, replacement in changes(owner):
            if operator == "drop word" and place.block:
                continue  # prose, not a table
            begin, end = _extent(node, starts)
            original = content[begin:end].decode()
            key = (relative, place.scope, operator, original, replacement)
            identity = hashlib.sha256(repr((*key, seen[key])).encode()).hexdigest()[:10]
            seen[key] += 1
            where = (identity, relative, content.count(b"\n", 0, begin) + 1, operator, begin, end)
            block = None if place.cached else place.block
            found.append(Mutant(*where, original, replacement, block))
    return sorted(found, key=lambda m: (m.begin, m.end, m.operator, m.replacement))


def sample(root: Path, files: list[Path], count: int, seed: int) -> list[Mutant]:
    """One mutant of each of `count` lines; lines, not mutants, are drawn: tables have many."""
    lines: dict[tuple[str, int], list[Mutant]] = {}
    for path in files:
        for mutant in mutants(root, path):
            lines.setdefault((mutant.path, mutant.line), []).append(mutant)
    rng = random.Random(seed)
    drawn = []
    for key in rng.sample(sorted(lines), len(lines)):
        mutant = rng.choice(lines[key])
        if mutant.compiles((root / mutant.path).read_bytes()):
            drawn.append(mutant)
        if len(drawn) == count:
            break
    return drawn


def blocks(path: str, tree: ast.AST) -> Iterator[tuple[str, list[ast.stmt]]]:
    """The blocks of all functions, by name: what is executed together, or not at all."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield block_name(path, node.body), node.body
            for inner in _within(node):
                for statements in _statement_lists(inner):
                    yield block_name(path, statements), statements


def block_name(path: str, statements: list[ast.stmt]) -> str:
    """The place of the block's first statement."""
    return f"{path}:{statements[0].lineno}:{statements[0].col_offset}"


def _nodes(path: str, node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """The nodes that may be changed, each with the place it stands in."""
    if _is_left_alone(node):
        return
    yield node, place
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        cached = any("cache" in ast.unparse(decorator) for decorator in node.decorator_list)
        place = _Place(f"{place.scope}.{node.name}", place.block, place.cached or cached)
    for name, value in ast.iter_fields(node):
        if name in _UNTOUCHED or (isinstance(node, ast.ClassDef) and name == "keywords"):
            continue
        if isinstance(value, ast.AST):
            yield from _nodes(path, value, place)
        elif isinstance(value, list):
            yield from _listed(path, node, value, place)


def _listed(
    path: str, owner: ast.AST, values: list[ast.AST], place: _Place
) -> Iterator[tuple[ast.AST, _Place]]:
    statements = [value for value in values if isinstance(value, ast.stmt)]
    function = isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef)
    if statements and (function or place.block):
        place = _Place(place.scope, block_name(path, statements), place.cached)
    for index, value in enumerate(values):
        documented = isinstance(owner, ast.Module | ast.ClassDef) or function
        if isinstance(value, ast.AST) and not (documented and _is_text(values, index)):
            yield from _nodes(path, value, place)


def _is_text(statements: list[ast.AST], index: int) -> bool:
    """Whether a statement is a docstring, or the text below an attribute."""
    node = statements[index]
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True  # Python 3.11 does not say where the parts of an f-string lie
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in _UNTOUCHED_NAMES
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("cast", "TypeVar")


def _within(function: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function, without the functions in it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _within(child)


def _statement_lists(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value


def _line_starts(content: bytes) -> list[int]:
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _extent(node: Any, starts: list[int]) -> tuple[int, int]:
    begin = starts[node.lineno - 1] + node.col_offset
    return begin, starts[node.end_lineno - 1] + node.end_col_offset
