"""Every rule's cases, one test for each; a case file is tests/rules/<family>/<rule_name>.py."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rule_cases import Case, Expected, verdicts

from modlint.engine.registry import Registry, load_registry
from modlint.verdict import Outcome, Verdict

FOLDER = Path(__file__).parent


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cases_{file.parent.name}_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _case_files() -> Iterator[tuple[str, tuple[Case, ...]]]:
    for file in sorted(FOLDER.glob("*/*.py")):
        if not file.stem.startswith(("test_", "conftest", "__")):
            yield file.stem.replace("_", "-"), _load(file).CASES


CASES = dict(_case_files())
PARAMETERS = [
    pytest.param(rule, case, id=f"{rule}: {case.title}")
    for rule, cases in CASES.items()
    for case in cases
]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.mark.parametrize(("rule", "case"), PARAMETERS)
def test_case(rule: str, case: Case, registry: Registry, tmp_path: Path) -> None:
    baseline = None
    if case.baseline is not None:
        (tmp_path / "baseline").mkdir()
        baseline = case.baseline(tmp_path / "baseline")
    found = verdicts(case.write(tmp_path), registry, rule, case.options, baseline)
    told = "\n".join(f"{v.outcome} {v.severity} {v.target} {v.message}" for v in found)
    assert len(found) == len(case.expected), told
    for verdict, expected in zip(found, case.expected, strict=True):
        _compare(verdict, expected)


@pytest.mark.parametrize("rule", CASES)
def test_cases_show_a_finding_and_a_pass(rule: str) -> None:
    outcomes = {expected.outcome for case in CASES[rule] for expected in case.expected}
    assert {"pass", "fail"} <= outcomes


def _compare(verdict: Verdict, expected: Expected) -> None:
    assert verdict.outcome == expected.outcome, verdict
    assert expected.severity in (None, verdict.severity), verdict
    assert expected.confidence in (None, verdict.confidence), verdict
    if expected.target is not None:
        assert (verdict.target.kind, verdict.target.name) == expected.target
    assert expected.message in (verdict.reason or verdict.message), verdict
    assert (verdict.help is not None) == (verdict.outcome is Outcome.FAIL)
    for name, value in expected.values.items():
        assert _equal(verdict.values[name], value), (name, verdict.values[name], value)


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == expected)
