"""Which tests could notice a mutant, and in which order they are asked."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.mutation.mutants import Mutant

FIRST = 4.0
"""Seconds of the tests that are asked first: the quickest ones."""


class Suite:
    """The record of a run without a mutant.

    Attributes:
        seconds: by name of the test.
        failed: tests that do not pass in the copy, or are skipped: they notice nothing.
    """

    def __init__(self, root: Path, record: dict[str, Any]) -> None:
        self.seconds = {name: told["seconds"] for name, told in record["tests"].items()}
        self.failed: list[str] = record["failed"]
        self._by_block: dict[str, set[str]] = defaultdict(set)
        self._by_module: dict[str, set[str]] = defaultdict(set)
        for name, told in record["tests"].items():
            for block in told["blocks"]:
                self._by_block[block].add(name)
                self._by_module[block.partition(":")[0]].add(name)
        self._importers = _importers(root)

    def of(self, mutant: Mutant) -> list[str]:
        """Tests that execute what the mutant changes, the quickest first.

        What acts on import is executed by all: there the tests count that execute a function of
        the module, or of one that imports it.
        """
        if mutant.block is not None:
            return self._sorted(self._by_block[mutant.block])
        near = {mutant.path, *self._importers[mutant.path]}
        tests = set().union(*(self._by_module[path] for path in near))
        return self._sorted(tests or set(self.seconds))

    def in_turns(self, names: list[str]) -> list[dict[str, float]]:
        """The quickest ones, then the others; each with the seconds that it takes."""
        first: dict[str, float] = {}
        rest: dict[str, float] = {}
        spent = 0.0
        for name in names:
            spent += self.seconds[name]
            (first if spent <= FIRST else rest)[name] = self.seconds[name]
        return [turn for turn in (first, rest) if turn]

    def _sorted(self, names: set[str]) -> list[str]:
        return sorted(names, key=lambda name: (self.seconds[name], name))


def _importers(root: Path) -> dict[str, set[str]]:
    """By file: the files that import it, with one step over those that only hand it on."""
    files = [
        path for name in ("modlint", "rules", "plugins") for path in root.glob(f"{name}/**/*.py")
    ]
    modules = {_module(path.relative_to(root)): path.relative_to(root).as_posix() for path in files}
    importers: dict[str, set[str]] = defaultdict(set)
    for module, path in modules.items():
        for node in ast.walk(ast.parse((root / path).read_bytes())):
            for name in _imported(node):
                if name in modules and name != module:
                    importers[modules[name]].add(path)
    return importers


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    inner = parts[1:] if parts[0] in ("rules", "plugins") else parts
    return ".".join(inner).removesuffix(".__init__")
