"""What runs without torch, where it is not installed and where it is."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from modlint.cli import main

FAMILIES = "CLU,COV,FMT,GRF,NEU,NUM,SEC"
HIDE = """
import sys
from importlib.machinery import PathFinder


class Hidden(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.partition(".")[0] == "torch"
        return None if hidden else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Hidden
"""
RUN = """
import sys
from modlint.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
sys.exit(3 if "torch" in sys.modules else code)
"""
Capture = pytest.CaptureFixture[str]


def _run(before: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + RUN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def _verdicts(report: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for verdict in json.loads(report)["files"][0]["verdicts"]:
        verdict.pop("fingerprint", None)
        found.setdefault(verdict["rule"], []).append(verdict)
    return found


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Linear layers that are large enough to be clustered."""
    random = np.random.default_rng(0)
    sizes = (20, 30, 30, 20)
    weights = {
        f"fc{i}.weight": random.standard_normal((n, m), dtype=np.float32)
        for i, (m, n) in enumerate(pairwise(sizes))
    }
    save_file(weights, tmp_path / "chain.safetensors")
    return tmp_path / "chain.safetensors"


def test_every_rule_says_the_same(chain: Path, capsys: Capture) -> None:
    arguments = ("check", "--select", FAMILIES, "--output-format", "json", chain)
    without = _run(HIDE, *arguments)
    assert without.returncode == 0, without.stderr
    main([str(argument) for argument in arguments])
    found, expected = _verdicts(without.stdout), _verdicts(capsys.readouterr().out)
    assert found == expected
    assert {verdict["outcome"] for verdict in found["NEU002"]} == {"pass"}
    assert {verdict["outcome"] for verdict in found["CLU001"]} <= {"pass", "fail"}
    run = json.loads(without.stdout)["run"]
    assert (run["torch"], run["device"]) == (None, "cpu")


def test_cuda_needs_torch(chain: Path) -> None:
    run = _run(HIDE, "check", "--device", "cuda", chain)
    assert run.returncode == 2
    assert "pip install 'modlint[torch]'" in run.stderr


def test_clusters_of_the_balanced_graph_need_no_torch(chain: Path) -> None:
    run = _run(HIDE, "clusters", "--shuffles", "19", chain)
    assert run.returncode == 0, run.stderr
    assert "modules beyond unit strengths (matched)" in run.stdout


def test_clusters_are_shown(chain: Path) -> None:
    run = _run(HIDE, "clusters", "--clusters", "4", "--shuffles", "3", chain)
    assert run.returncode == 0, run.stderr
    assert "n-cut" in run.stdout


def test_torch_is_not_imported_for_a_file_without_a_network(tmp_path: Path) -> None:
    """However large: here above the size from which torch would look for a GPU to cluster on."""
    tables = np.zeros((21, 1000, 1000), dtype=ml_dtypes.bfloat16)
    save_file({"tables": tables}, tmp_path / "large.safetensors", metadata={"format": "pt"})
    run = _run("", "check", "--output-format", "json", tmp_path / "large.safetensors")
    assert run.returncode == 0, run.stderr
    (verdict,) = _verdicts(run.stdout)["NUM001"]
    assert verdict["outcome"] == "pass"


def test_torch_is_not_imported_for_units_and_flow(chain: Path) -> None:
    assert _run("", "check", "--select", "NEU,NUM,SEC,FMT", chain).returncode == 0


def test_torch_is_not_imported_for_clusters(chain: Path) -> None:
    run = _run("", "check", "--select", "CLU", "--baseline-model", chain, chain)
    assert run.returncode == 0, run.stderr


def test_codes_are_judged_by_the_values_that_they_stand_for(
    tmp_path: Path, capsys: Capture
) -> None:
    """Scaled by rows, they give what a file of their values gives; raw codes would not."""
    random = np.random.default_rng(0)
    codes: dict[str, np.ndarray] = {}
    values: dict[str, np.ndarray] = {}
    for i, (m, n) in enumerate(pairwise((20, 30, 30, 20))):
        code = random.standard_normal((n, m), dtype=np.float32).astype(ml_dtypes.float8_e4m3fn)
        scale = random.random((n, 1), dtype=np.float32) + 0.01
        codes |= {f"fc{i}.weight": code, f"fc{i}.weight_scale": scale}
        values[f"fc{i}.weight"] = code.astype(np.float32) * scale
    told = []
    for name, tensors in (("codes", codes), ("values", values)):
        path = tmp_path / f"{name}.safetensors"
        save_file(tensors, path)
        main(["check", "--select", "CLU001,NEU", "--output-format", "json", str(path)])
        found = _verdicts(capsys.readouterr().out)
        told.append([(v["outcome"], v["values"]) for v in (*found["CLU001"], *found["NEU002"])])
    assert told[0] == told[1]
    assert {outcome for outcome, _ in told[0]} <= {"pass", "fail"}
