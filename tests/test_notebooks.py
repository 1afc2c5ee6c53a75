"""The notebooks in examples/ run as they stand, cell by cell, and show what they promise.

They are run by scripts/update_notebooks.py, which executes the code cells in this process: Jupyter
and a kernel would be larger than what they run.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    sys.modules.pop("update_notebooks", None)
    return importlib.import_module("update_notebooks")


def shown(cell: dict[str, Any]) -> str:
    """The texts of a cell's outputs."""
    outputs = cell.get("outputs", ())
    return "".join("".join(o.get("text") or o["data"]["text/plain"]) for o in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_its_outputs_are_those_that_it_holds(
    path: Path, runner: ModuleType
) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    ran = runner.run(notebook)
    for old, new in zip(notebook["cells"], ran["cells"], strict=True):
        assert [o["output_type"] for o in new.get("outputs", ())] == [
            o["output_type"] for o in old.get("outputs", ())
        ], "".join(new["source"])


def test_the_notebook_shows_a_finding_that_code_can_act_on(runner: ModuleType) -> None:
    path = ROOT / "examples" / "check_a_module.ipynb"
    texts = [shown(c) for c in runner.run(json.loads(path.read_text()))["cells"]]
    assert "NUM001 error fc2.weight (3, 5)\n" in texts
    assert any("in memory: NUM001 error fc2.weight: 1 of 768" in text for text in texts)
    html = [
        "".join(output["data"]["text/html"])
        for cell in json.loads(path.read_text())["cells"]
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", ())
    ]
    assert any("fc2.weight" in text and "<table" in text for text in html)


def test_a_cell_that_raises_is_not_passed_over(runner: ModuleType) -> None:
    cell = {"cell_type": "code", "source": ["1 / 0"], "outputs": []}
    with pytest.raises(ZeroDivisionError):
        runner.run({"cells": [cell]})
