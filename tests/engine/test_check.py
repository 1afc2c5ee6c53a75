"""The check of one file gives all that it found, and changes nothing that others see."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch
from support import no_progress

from modlint.engine.check import FileOutcome, check_checkpoint, check_file
from modlint.engine.load import load_whole
from modlint.engine.plan import CheckPlan, plan_check
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings


@pytest.fixture
def plan(tmp_path: Path) -> CheckPlan:
    settings = Settings(ignore=("CLU",), device="cpu")
    return plan_check(Configuration(settings, None, tmp_path), load_registry())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    weights = {"1.weight": torch.randn(4, 8), "2.weight": torch.full((2, 4), float("nan"))}
    torch.save(weights, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def told(outcome: FileOutcome) -> bytes:
    return msgspec.json.encode(outcome.report)


def test_the_same_file_gives_the_same_outcome(file: Path, plan: CheckPlan) -> None:
    before = tuple(plan.registry.problems)
    first, second = check_file(file, plan), check_file(file, plan)
    assert told(first) == told(second)
    assert (first.errors, first.devices, first.idle) == ((), {"cpu"}, False)
    assert tuple(plan.registry.problems) == before


def test_a_checkpoint_in_memory_is_judged_as_its_file(file: Path, plan: CheckPlan) -> None:
    checkpoint = load_whole(file, plan.registry.readers)
    assert told(check_checkpoint(checkpoint, plan)) == told(check_file(file, plan))


def test_what_is_no_checkpoint_is_idle(tmp_path: Path, plan: CheckPlan) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no weights here")
    assert check_file(path, plan).idle


def test_the_report_carries_the_rules_that_were_selected(file: Path) -> None:
    rules = {"non-finite": {"severity": "note"}, "wrapper-prefix": {"severity": "note"}}
    settings = Settings(select=("NUM001", "FMT002"), rules=rules, device="cpu")
    report = check([file], Configuration(settings, None, file.parent), load_registry(), no_progress)
    fmt002, num001 = report.rules
    assert (fmt002.code, fmt002.severity, fmt002.name) == ("FMT002", "error", "lfs-pointer")
    assert (num001.code, num001.severity) == ("NUM001", "note")
    assert num001.source.startswith("IEEE 754")
