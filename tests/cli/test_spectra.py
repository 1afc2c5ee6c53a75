"""`modlint spectra` as a user meets it: tables, documents, adapters, shards and exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lora_files import LAYOUTS, PEFT, peft
from rich.cells import cell_len
from safetensors.torch import save_file

from modlint.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a small convolutional network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    torch.manual_seed(0)
    torch.save(
        {
            "features.conv.weight": torch.randn(16, 8, 3, 3),
            "features.conv.bias": torch.zeros(16),
            "features.filter.weight": torch.randn(8, 4, 16),
            "classifier.a_rather_long_name_of_a_module.weight": torch.randn(40, 64),
            "head.weight": torch.randn(4, 40),
            "empty.weight": torch.zeros(40, 64),
        },
        "model.pt",
    )
    return tmp_path


def document(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert main(["spectra", *arguments, "--output-format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def by_name(found: dict[str, Any], kind: str = "weight") -> dict[str, Any]:
    return {e["name"]: e["spectrum"] for e in found["layers"] if e["kind"] == kind}


def test_json_measures_each_layer(capsys: Capture) -> None:
    found = document(capsys, "model.pt", "--randomize")
    assert found["schema"] == "modlint-spectra/1"
    layers = by_name(found)
    assert [*layers] == [
        "features.conv.weight",
        "features.filter.weight",
        "classifier.a_rather_long_name_of_a_module.weight",
    ]
    assert found["unavailable"] == {
        "head.weight": "fewer than 8 eigenvalues",
        "empty.weight": "all its elements are zero",
    }
    convolution = layers["features.conv.weight"]
    assert (convolution["rows"], convolution["columns"], convolution["slices"]) == (16, 8, 9)
    assert convolution["shuffled"]["traps"] >= 0
    assert layers["features.filter.weight"]["kernels"]["length"] == 16
    alphas = [layer["law"]["alpha"] for layer in layers.values()]
    assert found["summary"]["weight"]["layers"] == 3
    assert found["summary"]["weight"]["alpha"] == pytest.approx(np.mean(alphas))


def test_csv_has_the_names_of_weightwatcher(capsys: Capture) -> None:
    layers = by_name(document(capsys, "model.pt"))
    assert main(["spectra", "model.pt", "--output-format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in rows] == [*layers]
    for row in rows:
        spectrum = layers[row["name"]]
        assert float(row["alpha"]) == spectrum["law"]["alpha"]
        assert float(row["stable_rank"]) == spectrum["stable_rank"]
        assert int(row["num_spikes"]) == spectrum["bulk"]["spikes"]
        assert row["num_traps"] == ""


@pytest.mark.parametrize("cells", [60, 80, 120])
def test_tables_fit_the_terminal(
    cells: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(cells))
    assert main(["spectra", "model.pt", "--randomize"]) == 0
    out = capsys.readouterr().out
    assert max(map(cell_len, out.splitlines())) <= cells
    assert "features.conv.weight" in out
    heading = out.splitlines()[1]
    assert "spikes" in heading
    assert ("stable" in heading) is (cells >= 80)
    assert ("traps" in heading) is (cells >= 80)
    assert ("log λmax" in heading) is (cells == 120)
    assert "no spectrum of empty.weight: all its elements are zero" in out


def test_what_adapters_are_compared_by_comes_with_its_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    save_file(peft("llama", r=8), "adapter_model.safetensors")
    main(["spectra", "adapter_model.safetensors"])
    out = capsys.readouterr().out
    assert all(heading in out for heading in ("energy", "entropy", "kurtosis"))
    assert "only among those of one base, rank and targets" in " ".join(out.split())
    main(["spectra", "model.pt"])
    assert "kurtosis" not in capsys.readouterr().out


def test_an_adapter_is_measured_by_its_product(capsys: Capture) -> None:
    state = peft("llama", r=8)
    Path("adapter_config.json").write_text(json.dumps(PEFT | {"r": 8}))
    save_file(state, "adapter_model.safetensors")
    found = document(capsys, "adapter_model.safetensors")
    products = by_name(found, "adapter")
    assert len(products) == len(found["layers"]) == len(state) // 2
    name = "model.layers.0.self_attn.q_proj"
    down, up = (state[f"base_model.model.{name}.lora_{f}.weight"].double() for f in "AB")
    values = torch.linalg.svdvals(up @ down * 16 / 8) ** 2
    assert products[name]["norm"] == pytest.approx(float(values.sum()), rel=1e-9)
    assert products[name]["rank"] == 8
    concentration = float(values.max() / values.sum())
    assert products[name]["update"]["concentration"] == pytest.approx(concentration, rel=1e-9)
    base = {f"{path}.weight": torch.randn(len(up), down.shape[1]) for path in products}
    save_file(base, "base.safetensors")
    found = document(capsys, "adapter_model.safetensors", "--base", "base.safetensors")
    whole = base[f"{name}.weight"].double() + up @ down * 16 / 8
    adapted = by_name(found, "adapted")[name]
    assert adapted["norm"] == pytest.approx(float((whole**2).sum()), rel=1e-9)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_adapters_of_each_layout(layout: str, capsys: Capture) -> None:
    state = LAYOUTS[layout]("llama", r=4)
    settings = {"lora_alpha": 8, "r": 4, "lora_parameters": {"rank": 4, "scale": 2.0}}
    Path("adapter").mkdir()
    Path("adapter/adapter_config.json").write_text(json.dumps(settings))
    save_file(state, "adapter/adapters.safetensors")
    products = by_name(document(capsys, "adapter"), "adapter")
    assert len(products) == 8
    matrices = [v.double() for k, v in state.items() if not k.endswith("alpha")][:2]
    down, up = (m.T for m in matrices) if layout == "mlx" else matrices
    scale = 1.0 if layout == "kohya" else 2.0
    wanted = float(torch.linalg.svdvals(up @ down)[0] * scale) ** 2
    first = next(iter(products.values()))
    assert first["spectral_norm"] == pytest.approx(wanted, rel=1e-6)
    assert (first["rows"], first["columns"], first["rank"]) == (48, 32, 4)


@pytest.mark.parametrize("layout", ["peft", "mlx"])
@pytest.mark.parametrize("stated", [10**400, True, "8", [8], {"a": 8}, None])
def test_scales_that_are_no_numbers_count_as_one(
    layout: str, stated: object, capsys: Capture
) -> None:
    save_file(LAYOUTS[layout]("llama", r=4), "adapters.safetensors")
    plain = by_name(document(capsys, "adapters.safetensors"), "adapter")
    settings = {"lora_alpha": stated, "alpha_pattern": [4], "lora_parameters": {"scale": stated}}
    Path("adapter_config.json").write_text(json.dumps(settings))
    assert by_name(document(capsys, "adapters.safetensors"), "adapter") == plain


def test_names_that_end_alike_are_told_apart(capsys: Capture) -> None:
    names = [f"fc{i}.weight_transposed_and_quantized_in_8_bits" for i in range(3)]
    save_file({name: torch.randn(20, 30) for name in names}, "alike.safetensors")
    assert main(["spectra", "alike.safetensors"]) == 0
    out = capsys.readouterr().out
    assert all(f"fc{i}.weight_" in out for i in range(3))


def test_a_base_that_does_not_fit_is_said(capsys: Capture) -> None:
    save_file(peft("llama", r=8), "adapter.safetensors")
    save_file({"other.weight": torch.randn(32, 32)}, "base.safetensors")
    found = document(capsys, "adapter.safetensors", "--base", "base.safetensors")
    assert set(found["unavailable"].values()) == {"the base has no such weight"}


def test_the_change_from_an_earlier_checkpoint(capsys: Capture) -> None:
    state = torch.load("model.pt")
    state["classifier.a_rather_long_name_of_a_module.weight"] += torch.ones(40, 64)
    torch.save(state, "later.pt")
    found = document(capsys, "later.pt", "--base", "model.pt")
    (change,) = by_name(found, "change").values()
    assert change["rank"] >= 1
    assert change["spectral_norm"] == pytest.approx(40 * 64, rel=1e-4)
    assert found["unavailable"]["features.conv.weight"] == "it is as in the base"
    assert (found["summary"]["weight"]["layers"], found["summary"]["change"]["layers"]) == (3, 1)
    assert main(["spectra", "later.pt", "--base", "model.pt"]) == 0
    out = capsys.readouterr().out
    assert "3 layers · mean α" in out
    assert "1 change · " in out


def test_shards_are_read_by_their_index(capsys: Capture) -> None:
    names = ("a.weight", "b.weight")
    for place, name in enumerate(names):
        save_file({name: torch.randn(32, 32)}, f"model-0000{place + 1}-of-00002.safetensors")
    weight_map = {name: f"model-0000{i + 1}-of-00002.safetensors" for i, name in enumerate(names)}
    index = {"metadata": {"total_size": 8192}, "weight_map": weight_map}
    Path("model.safetensors.index.json").write_text(json.dumps(index))
    layers = by_name(document(capsys, "model.safetensors.index.json"))
    assert [name.rpartition(":")[2].split("/")[-1] for name in layers] == [*names]


def test_a_picture_is_drawn(capsys: Capture) -> None:
    assert main(["spectra", "model.pt", "--picture", "spectra.svg"]) == 0
    assert "<svg" in Path("spectra.svg").read_text()
    assert main(["spectra", "model.pt", "--picture", "spectra.txt"]) == 2
    assert "must end in" in capsys.readouterr().err


def test_what_is_no_checkpoint_or_has_no_weights(capsys: Capture) -> None:
    Path("text.txt").write_text("hello")
    assert main(["spectra", "text.txt"]) == 2
    assert main(["spectra", "absent.pt"]) == 2
    torch.save({"bias": torch.zeros(3)}, "biases.pt")
    assert main(["spectra", "biases.pt"]) == 2
    assert "no layer weight has a spectrum" in capsys.readouterr().err
