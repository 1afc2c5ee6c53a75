"""What formats that draw are given, and that it changes nothing else."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonschema import Draft202012Validator
from support import modlint

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """An MLP that can be clustered, of four types, and with an empty and a broken tensor."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(24, 32), torch.nn.ReLU(), torch.nn.Linear(32, 24)]
    path = tmp_path / "network.pt"
    torch.save(torch.nn.Sequential(*layers).state_dict(), path)
    return path


def test_the_html_report_and_json_beside_it_hold_drawings(network: Path, tmp_path: Path) -> None:
    flags = ("--output", f"html={tmp_path}/r.html", "--output", f"json={tmp_path}/r.json")
    run = modlint("check", "--isolated", network, *flags)
    alone = modlint("check", "--isolated", network, "--output-format", "json")
    assert run.returncode == alone.returncode
    assert "drawings" not in json.loads(alone.stdout)["files"][0]
    report = json.loads((tmp_path / "r.json").read_text())
    schema = json.loads((SCHEMAS / "modlint-report-1.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(report)] == []
    (file,) = report["files"]
    tensors = {tensor["name"]: tensor for tensor in file["drawings"]["tensors"]}
    assert set(tensors) == {"0.weight", "2.weight"}
    for tensor in tensors.values():
        histogram = tensor["histogram"]
        total = sum(histogram["counts"]) + histogram["below"] + histogram["above"]
        assert total == histogram["elements"] == 24 * 32
    (drawn,) = file["drawings"]["networks"]
    assert [layer["weight"] for layer in drawn["layers"]] == ["0.weight", "2.weight"]
    weights = torch.load(network, weights_only=True)["0.weight"].abs().numpy()
    panel = drawn["panels"][0]
    pixels = np.frombuffer(base64.b64decode(panel["pixels"]), np.uint8)
    assert pixels.reshape(panel["height"], panel["width"]).shape == weights.shape
    page = (tmp_path / "r.html").read_text()
    assert page.count("data:image/png;base64,") == len(drawn["panels"]) == 2
    assert page.count('class="histogram"') == 3  # two layers, one null distribution


def test_weights_of_every_type_are_drawn(tmp_path: Path) -> None:
    kinds = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn)
    state = {f"layer{i}.weight": torch.randn(32, 32).to(kind) for i, kind in enumerate(kinds)}
    state["broken.weight"] = torch.full((32, 32), float("nan"))
    path = tmp_path / "types.pt"
    torch.save(state, path)
    flags = ("--output", f"html={tmp_path}/r.html", "--output", "json")
    run = modlint("check", "--isolated", "--select", "NUM001", path, *flags)
    (file,) = json.loads(run.stdout)["files"]
    drawn = {t["name"]: t["histogram"] for t in file["drawings"]["tensors"]}
    assert drawn.pop("broken.weight") is None
    assert len(drawn) == len(kinds)
    assert all(histogram["elements"] == 1024 for histogram in drawn.values())


def test_what_is_no_checkpoint_has_a_page_too(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"PK\x03\x04 and nothing more")
    run = modlint("check", "--isolated", path, "--output-format", "html")
    assert run.returncode == 1
    assert "FMT001" in run.stdout


def test_a_diff_is_a_page(network: Path, tmp_path: Path) -> None:
    state = torch.load(network, weights_only=True)
    state["0.weight"] += 1.0
    torch.save(state, tmp_path / "new.pt")
    run = modlint("diff", "--isolated", network, tmp_path / "new.pt", "--output-format", "html")
    assert run.stdout.startswith("<!doctype html>")
    assert "0.weight" in run.stdout
    wrong = modlint("diff", "--isolated", network, network, "--output-format", "htm")
    assert wrong.returncode == 2
    assert "unknown output format `htm`" in wrong.stderr
