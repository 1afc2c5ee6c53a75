"""What the packages must never contain."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import modlint
import modlint_plugins
import modlint_rules

FORBIDDEN_CALLS = {
    "exec",
    "eval",
    "compile",
    "__import__",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "torch.load",
    "torch.jit.load",
    "joblib.load",
    "marshal.loads",
    "numpy.load",
    "np.load",
    "onnx.load_external_data_for_model",
}
FORBIDDEN_IMPORTS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def sources() -> Iterator[Path]:
    for package in (modlint, modlint_rules, modlint_plugins):
        for folder in package.__path__:
            yield from sorted(Path(folder).rglob("*.py"))


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: "/".join(path.parts[-3:]))
def test_nothing_is_ever_unpickled_or_executed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in FORBIDDEN_CALLS
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & FORBIDDEN_IMPORTS
        if isinstance(node, ast.ImportFrom):
            assert node.module not in FORBIDDEN_IMPORTS
