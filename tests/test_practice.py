"""Broken checkpoints rebuilt from public issues, with their healthy twins: each gets its rule."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import no_progress

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Outcome, Persona, Severity, Verdict

TOLD_BY = {
    "offload_half/bad": "FMT015",
    "ddp_nearly/bad/model.pth": "FMT005",
    "gamma_beta/bad/pytorch_model.bin": "FMT019",
    "lora_empty/bad": "FMT014",
    "lora_base/bad": "FMT017",
    "vocab_short/bad": "FMT008",
    "leftover_file/bad": "FMT016",
    "prune_masks/bad/pruned.pth": "FMT018",
    "onnx_tied/bad/model.onnx": "FMT007",
    "onnx_init_inputs/bad/model.onnx": "GRF009",
    "onnx_batch1/bad/model.onnx": "GRF010",
}
"""The rule that says what a case describes in words."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


@pytest.fixture(params=["health", "practice"])
def cases(
    request: pytest.FixtureRequest, shared: Path, tmp_path: Path
) -> list[tuple[dict[str, Any], Path]]:
    folder = shared / "reports" / request.param
    entries = json.loads((folder / "MANIFEST.json").read_text())
    return list(_located(folder, entries, tmp_path))


def _located(
    folder: Path, entries: list[dict[str, Any]], unpacked: Path
) -> Iterator[tuple[dict[str, Any], Path]]:
    for entry in entries:
        if entry.get("kind") == "diff":
            continue
        root = folder
        if "unpack" in entry:
            root = unpacked
            with tarfile.open(folder / entry["unpack"]) as archive:
                archive.extractall(unpacked, filter="tar")
        if (root / entry["check"]).exists():
            yield entry, root / entry["check"]


def verdicts(path: Path, registry: Registry) -> list[Verdict]:
    folder = path if path.is_dir() else path.parent
    settings = Settings(device="cpu")
    report = check([path], Configuration(settings, None, folder), registry, no_progress)
    return [verdict for file in report.files for verdict in file.verdicts]


def findings(path: Path, registry: Registry) -> list[Verdict]:
    return [v for v in verdicts(path, registry) if v.outcome is Outcome.FAIL]


def test_each_broken_file_is_named_by_its_rule(
    cases: list[tuple[dict[str, Any], Path]], registry: Registry
) -> None:
    missed = {}
    for entry, path in cases:
        if entry["healthy"]:
            continue
        expected = entry["expected_rule_or_message"]
        rules = set(expected) if isinstance(expected, list) else {TOLD_BY[entry["check"]]}
        told = {verdict.rule for verdict in findings(path, registry)}
        if not rules & told:
            missed[entry["check"]] = f"{sorted(rules)}: told {sorted(told)} ({entry['what']})"
    assert not missed, "\n".join(f"{name}: {what}" for name, what in missed.items())


def test_healthy_twins_are_silent(
    cases: list[tuple[dict[str, Any], Path]], registry: Registry
) -> None:
    false = [
        f"{entry['check']}: {v.rule} {v.severity} {v.target.name}: {v.message[:150]}"
        for entry, path in cases
        if entry["healthy"]
        for v in findings(path, registry)
        if v.severity.rank >= Severity.WARNING.rank
        and v.persona is Persona.REGULAR
        and v.rule not in entry.get("may", ())
    ]
    assert not false, "\n".join(false)


def test_nothing_of_healthy_twins_is_left_open(
    cases: list[tuple[dict[str, Any], Path]], registry: Registry
) -> None:
    undecided = {
        entry["check"]: f"{v.rule}: {v.reason}"
        for entry, path in cases
        if entry["healthy"]
        for v in verdicts(path, registry)
        if v.outcome is Outcome.INCONCLUSIVE
    }
    undecided.pop("onnx_int64/ok/model.onnx", None)  # a weight that no layer of a network reads
    assert not undecided, undecided
