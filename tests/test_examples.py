"""The demo: networks trained on digits pass, each broken sibling fails for its own reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
HEALTHY = {
    f"{name}{suffix}" for name in ("mlp", "cnn") for suffix in (".pt", ".safetensors", ".onnx")
}
FINDINGS = {
    "dead-units.onnx": {"NEU001"},
    "nan.safetensors": {"NUM001"},
    "not-downloaded.safetensors": {"FMT002"},
    "truncated.pt": {"FMT001"},
    "unsafe.pt": {"SEC001"},
}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    for script, *arguments in (
        ("train.py", folder / "healthy"),
        ("break_them.py", folder / "healthy", folder / "broken"),
    ):
        done = run(sys.executable, EXAMPLES / script, *arguments)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def healthy(checkpoints: Path) -> dict[str, dict[str, Any]]:
    return check(checkpoints / "healthy")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "MODLINT": str(Path(sys.executable).with_name("modlint")),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def check(folder: Path) -> dict[str, dict[str, Any]]:
    modlint = (sys.executable, "-m", "modlint", "check", "--isolated")
    done = run(*modlint, "--deep", "--output-format", "json", folder)
    return {Path(file["path"]).name: file for file in json.loads(done.stdout)["files"]}


def failures(file: dict[str, Any]) -> set[str]:
    """Rules with a finding that weighs more than a note."""
    return {
        verdict["rule"]
        for verdict in file["verdicts"]
        if verdict["outcome"] == "fail" and verdict["severity"] not in ("note", "information")
    }


def test_healthy_networks_are_read_rebuilt_and_pass(healthy: dict[str, dict[str, Any]]) -> None:
    assert set(healthy) == HEALTHY
    for name, file in healthy.items():
        assert failures(file) == set(), name
        (network,) = file["networks"]
        assert network["neurons"] == (
            64 + 128 + 128 + 64 + 10 if "mlp" in name else 1 + 16 + 32 + 10
        )
        assert {v["rule"] for v in file["verdicts"] if v["outcome"] != "inconclusive"} >= {
            "CLU001",
            "NEU001",
            "NUM001",
        }


def test_formats_of_one_network_agree_on_its_clusters(healthy: dict[str, dict[str, Any]]) -> None:
    for name in ("mlp", "cnn"):
        found = [
            verdict["values"]
            for suffix in (".pt", ".safetensors", ".onnx")
            for verdict in healthy[f"{name}{suffix}"]["verdicts"]
            if verdict["rule"] == "CLU001"
        ]
        for value, tolerance in (("spectral_sum", 1e-6), ("ncut", 1e-3), ("null_mean", 1e-3)):
            values = [values[value] for values in found]
            assert values == pytest.approx([values[0]] * 3, abs=tolerance), (name, value)


def test_broken_siblings_fail_for_their_own_reason(checkpoints: Path) -> None:
    files = check(checkpoints / "broken")
    assert {name: failures(file) for name, file in files.items()} == FINDINGS


def test_demo_prints_both_reports_and_ends_well(checkpoints: Path) -> None:
    done = run(EXAMPLES / "demo.sh", checkpoints)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Exit code 0, as expected." in done.stdout
    assert "Exit code 1, as expected." in done.stdout
    assert all(name in done.stdout for name in HEALTHY | set(FINDINGS))


def test_demo_fails_where_a_healthy_network_does_not_pass(
    checkpoints: Path, tmp_path: Path
) -> None:
    (tmp_path / "healthy").symlink_to(checkpoints / "broken")
    done = run(EXAMPLES / "demo.sh", tmp_path)
    assert done.returncode == 1
    assert "Exit code 1, but 0 was expected." in done.stdout
