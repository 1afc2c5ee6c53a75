"""`modlint.check`: the verdicts are those of the saved file, and names are the user's own."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import numpy as safetensors_numpy
from safetensors.torch import load_file, save_file
from support import modlint as command
from torch import nn

import modlint
from modlint.engine.load import load_whole
from modlint.engine.registry import load_registry

OF_VALUES = ["NUM", "NEU", "CLU", "COV", "TRN", "STR", "STG"]
OF_FILES = {"NEU010", "NUM006", "TRN003", "TRN007"}
"""Rules of these families that ask for a file's structure: they are not run in memory."""


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16)
        self.head = nn.Linear(16, 4)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(40, 16), nn.Linear(16, 40, bias=False)
        self.head.weight = self.embed.weight


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 5)
    )


MODULES = {
    "mlp": mlp,
    "residual": Residual,
    "lstm": lambda: nn.LSTM(8, 12, num_layers=2),
    "tied": Tied,
    "bfloat16": lambda: mlp().bfloat16(),
    "transformer": lambda: nn.TransformerEncoderLayer(16, 4, 32),
    "channels-last": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3)
    ).to(memory_format=torch.channels_last),
}


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    module = MODULES[name]()
    with torch.no_grad():
        next(iter(module.parameters()))[0] = float("nan")
    return module


def verdicts(report: modlint.Report) -> list[dict[str, Any]]:
    """What the rules say, without what names the file."""
    (file,) = report.to_dict()["files"]
    for verdict in file["verdicts"]:
        del verdict["fingerprint"]
        if verdict["target"]["kind"] == "file":
            del verdict["target"]["name"]
    return [v for v in file["verdicts"] if v["rule"] not in OF_FILES]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_gets_the_verdicts_of_its_file(name: str, tmp_path: Path) -> None:
    module = made(name)
    torch.save(module.state_dict(), tmp_path / "model.pt")
    options = {"clusters": 3, "shuffles": 5}
    settings: Any = {"select": OF_VALUES, "rules": {"not-clusterable": options}}
    live = modlint.check(module, **settings)
    assert verdicts(live) == verdicts(modlint.check(tmp_path / "model.pt", **settings))
    assert live.files[0].path == "in memory"
    assert any(verdict.rule == "NUM001" for verdict in live.findings)


def test_a_healthy_module_is_ok_and_a_broken_one_names_its_parameter() -> None:
    module = mlp()
    assert modlint.check(module).ok
    with torch.no_grad():
        module[2].weight[3, 5] = float("inf")
    report = modlint.check(module)
    assert not report.ok
    (finding,) = (f for f in report.findings if f.severity == "error")
    assert (finding.rule, finding.target.name) == ("NUM001", "2.weight")
    assert finding.values["position"] == (3, 5)


def test_checking_leaves_the_module_as_it_was() -> None:
    module = mlp()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modlint.check(module)
    assert all(value.requires_grad and value.grad is None for value in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_files_are_judged_by_rules_that_are_not_run_in_memory() -> None:
    report = modlint.check(mlp())
    assert {"NUM", "NEU", "COV"} <= {v.rule[:3] for v in report.files[0].verdicts} <= set(OF_VALUES)
    (note,) = report.run.notes
    assert "rules that judge files not run" in note
    for selector in ("SEC", "safety", "FMT012"):
        with pytest.raises(ValueError, match=r"judges? files, not what is in memory"):
            modlint.check(mlp(), select=selector)


def test_what_has_no_values_does_not_pass() -> None:
    report = modlint.check(mlp().to("meta"), select="NUM,COV")
    outcome = {v.rule: v for v in report.files[0].verdicts}
    assert outcome["NUM001"].outcome is modlint.Outcome.INCONCLUSIVE
    assert "on the device meta" in outcome["COV001"].message
    assert not modlint.check(mlp().to("meta"), select="NUM", strict=True).ok


def test_numpy_arrays_and_dictionaries_of_safetensors(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    weights = {
        f"{i}.weight": random.standard_normal(shape).astype(np.float32)
        for i, shape in enumerate([(16, 8), (12, 16), (4, 12)])
    }
    weights["1.weight"][2, 3] = np.nan
    path = tmp_path / "model.safetensors"
    save_file({name: torch.from_numpy(w) for name, w in weights.items()}, path, {"format": "pt"})
    expected = verdicts(modlint.check(path, select=["NUM", "NEU"]))
    for loaded in (weights, load_file(path), safetensors_numpy.load_file(path)):
        assert verdicts(modlint.check(loaded, select=["NUM", "NEU"])) == expected


def test_paths_get_what_the_command_line_says(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        torch.save(made("mlp").state_dict(), tmp_path / name)
    output = command("check", "--isolated", "--output-format", "json", tmp_path, cwd=tmp_path)
    said = json.loads(output.stdout)
    for x in (tmp_path, str(tmp_path), [tmp_path / "a.pt", str(tmp_path / "b.pt")]):
        report = modlint.check(x).to_dict()
        assert report["files"] == said["files"]
        assert report["summary"] == said["summary"]
        assert report["run"]["exit_code"] == output.returncode == 1


def test_a_checkpoint_that_a_reader_read(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(made("mlp").state_dict(), path)
    checkpoint = load_whole(path, load_registry().readers)
    report = modlint.check(checkpoint, select=OF_VALUES[:2])
    assert report.files[0].path == str(path)
    assert verdicts(report) == verdicts(modlint.check(path, select=OF_VALUES[:2]))


def test_settings_are_those_of_the_configuration(tmp_path: Path) -> None:
    report = modlint.check(
        mlp(),
        select="CLU001, NEU",
        ignore=["NEU002"],
        rules={"not_clusterable": {"shuffles": 7, "max_p": 0.9, "severity": "error"}},
        seed=3,
        device="cpu",
    )
    found = {v.rule: v for v in report.files[0].verdicts}
    neurons = {f"NEU00{i}" for i in (1, 3, 4, 5, 6, 7, 9)}
    assert set(found) == {"CLU001", *neurons}
    assert found["CLU001"].values["shuffles"] == 7
    assert found["CLU001"].limit["p_value"]["max"] == 0.9
    assert (report.run.seed, report.run.device) == (3, "cpu")
    file = tmp_path / "modlint.toml"
    file.write_text('select = ["NUM001"]\nfail-on = "warning"\n')
    configured = modlint.check(mlp(), config=file, fail_on="note")
    assert {v.rule for v in configured.files[0].verdicts} == {"NUM001"}
    assert configured.run.settings["fail_on"] == "note"


def test_a_configuration_that_nobody_named_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modlint.toml").write_text('select = ["CLU"]\n')
    monkeypatch.chdir(tmp_path)
    assert "NUM001" in {v.rule for v in modlint.check(mlp()).files[0].verdicts}


def test_a_module_is_compared_with_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    old = tmp_path / "old.pt"
    torch.save(mlp().state_dict(), old)
    report = modlint.check(mlp(), select="CLU006", baseline_model=old)
    assert {v.rule for v in report.files[0].verdicts} == {"CLU006"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_module_on_a_gpu(tmp_path: Path) -> None:
    module = made("mlp").cuda()
    expected = verdicts(modlint.check(made("mlp"), select="NUM,NEU", device="cpu"))
    for device in ("cpu", "cuda"):
        assert verdicts(modlint.check(module, select="NUM,NEU", device=device)) == expected


def test_what_type_checkers_see_is_what_python_gives() -> None:
    (declared,) = (
        node
        for node in ast.parse(Path(modlint.__file__).read_text()).body
        if isinstance(node, ast.If)
    )
    homes = {alias.name: node.module for node in declared.body for alias in node.names}  # type: ignore[attr-defined]
    assert {*homes, "__version__"} == set(modlint.__all__) == set(dir(modlint))
    for name, module in homes.items():
        assert getattr(modlint, name) is getattr(importlib.import_module(module), name)
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        modlint.chekc  # type: ignore[attr-defined]  # noqa: B018


def test_importing_modlint_imports_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import modlint; dir(modlint)\n"
        "print(*sorted(set(sys.modules) - before))\n"
        "modlint.check, modlint.Report\n"
        "print(*{'numpy', 'torch', 'rich'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["modlint", ""]


def test_checking_arrays_of_numpy_imports_torch_only_to_compute() -> None:
    code = (
        "import sys, numpy, modlint.live\n"
        "modlint.live.checkpoint_of({'w': numpy.ones(3)})\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
