"""Which blocks of which functions each test executes, told by the code itself.

A copy of the code notes each block on entry. That is quicker than a trace function, and it
reaches the processes that tests start, which write what they met when they end.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutation.mutants import blocks

TOLD_TO = "MODLINT_MUTATION_BLOCKS"
"""The environment variable that names the file to which a process adds its blocks."""

_NAME = "_modlint_blocks"
_PREAMBLE = f"import sys as _sys\n_enter_block = _sys.__dict__.setdefault({_NAME!r}, set()).add\n"
_AT_EXIT = f"""\
import atexit, os, sys
def _write():
    with open(os.environ[{TOLD_TO!r}], "a") as file:
        file.write("".join(f"{{block}}\\n" for block in getattr(sys, {_NAME!r}, ())))
if {TOLD_TO!r} in os.environ:
    atexit.register(_write)
"""


def instrument(root: Path, paths: list[Path]) -> None:
    """Rewrite files so that each block notes itself, and let every process of Python tell."""
    for path in paths:
        tree = ast.parse(path.read_bytes())
        for name, statements in list(blocks(path.relative_to(root).as_posix(), tree)):
            statements.insert(_behind_docstring(statements), _parsed(f"_enter_block({name!r})"))
        at = _behind_docstring(tree.body)
        while at < len(tree.body) and _is_future(tree.body[at]):
            at += 1
        tree.body[at:at] = ast.parse(_PREAMBLE).body
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)))
    (root / "sitecustomize.py").write_text(_AT_EXIT)


def _behind_docstring(statements: list[ast.stmt]) -> int:
    first = statements[0] if statements else None
    return int(isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant))


def _parsed(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


class Recorder:
    """Records of each test that passes its seconds and the blocks that it executes."""

    def __init__(self, scratch: Path) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self.failed: set[str] = set()
        self._shared: set[str] = set()
        self._met: set[str] = sys.__dict__.setdefault(_NAME, set())
        self._told = scratch / "blocks"
        os.environ[TOLD_TO] = str(self._told)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what one test executes, its fixtures and processes included."""
        self._met.clear()
        self._told.write_text("")
        self.tests[item.nodeid] = {"seconds": 0.0}
        result = yield
        met = self._met | set(self._told.read_text().split("\n")[:-1])
        self.tests[item.nodeid]["blocks"] = sorted(met)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """What a fixture of several tests executes belongs to each of them."""
        before = set(self._met)
        result = yield
        if fixturedef.scope != "function":
            self._shared |= self._met - before
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up seconds; what fails or is skipped can notice nothing."""
        self.tests[report.nodeid]["seconds"] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)

    def record(self) -> dict[str, Any]:
        """By test: its seconds and blocks; and the tests that did not pass."""
        passed = {name: told for name, told in self.tests.items() if name not in self.failed}
        for told in passed.values():
            told["blocks"] = sorted(self._shared | set(told["blocks"]))
        return {"tests": passed, "failed": sorted(self.failed)}
