"""Healthy files that real libraries write get no error, and no alarm beyond what they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support import no_progress

from benign import BENIGN
from benign.collection import SEVERITIES, Benign, Written
from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.report import FileReport
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Outcome, Verdict

FAMILIES = ("SEC", "FMT", "GRF", "NUM")


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


@pytest.mark.parametrize("benign", BENIGN, ids=lambda benign: benign.id)
def test_a_healthy_file_gets_no_error(benign: Benign, written: Written, registry: Registry) -> None:
    files = checked(written(benign), registry)
    alarms = [told(file, v) for file in files for v in file.verdicts if alarming(v, benign.most)]
    assert not alarms, "\n".join(alarms)
    assert any(file.status == "checked" for file in files)


def test_they_are_many_and_of_every_library() -> None:
    names = Counter(benign.id for benign in BENIGN)
    assert len(names) >= 60
    assert set(names.values()) == {1}
    libraries = {benign.library for benign in BENIGN}
    assert libraries >= {"torch", "transformers", "accelerate", "peft", "lightning", "sklearn"}


def checked(path: Path, registry: Registry) -> tuple[FileReport, ...]:
    """The reports of all files that modlint looks at there."""
    configuration = Configuration(Settings(select=FAMILIES, device="cpu"), None, path.parent)
    report = check([path], configuration, registry, no_progress)
    assert not report.run.problems
    return tuple(report.files)


def alarming(verdict: Verdict, most: str) -> bool:
    """Whether a verdict is an error, a doubt about safety, or more than the kind of file earns."""
    safety = verdict.rule.startswith("SEC")
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return safety
    if verdict.outcome is not Outcome.FAIL:
        return False
    worst = most if safety else "warning"
    return SEVERITIES.index(verdict.severity) > SEVERITIES.index(worst)


def told(file: FileReport, verdict: Verdict) -> str:
    where = f"{Path(file.path).name}:{verdict.target.member or ''}@{verdict.target.offset}"
    said = verdict.message or verdict.reason
    return f"{where} {verdict.rule} {verdict.outcome} {verdict.severity} {said}"
