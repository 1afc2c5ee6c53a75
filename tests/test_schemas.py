"""The published JSON Schemas: they are what the code says, and say what the code does."""

from __future__ import annotations

import copy
import importlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from jsonschema import Draft202012Validator
from safetensors.numpy import save_file

import modlint
from modlint.cli import main
from modlint.errors import UsageError
from modlint.settings.config import Settings, load_config
from modlint.settings.profiles import PROFILES
from modlint.settings.rule_settings import instantiate
from modlint.settings.template import template

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "schemas"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 2097152\n"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


CONFIG = validator("modlint.schema.json")
REPORT = validator("modlint-report-1.schema.json")
CLUSTERS = validator("modlint-clusters-1.schema.json")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("update_schemas")


def test_they_are_what_the_code_says(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(check=True) == 0, capsys.readouterr().out


def test_the_check_finds_what_is_stale(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    assert script.main(check=True) == 1
    assert script.main(check=False) == 0
    assert script.main(check=True) == 0
    (tmp_path / "modlint.schema.json").write_text("{}")
    assert script.main(check=True) == 1


def test_they_are_named_once() -> None:
    ids = [v.schema["$id"] for v in (CONFIG, REPORT, CLUSTERS)]
    assert ids == [f"urn:modlint:schema:{name}/1" for name in ("config", "report", "clusters")]


# The clusters


def clusters_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["clusters", *arguments, "--output-format", "json"]) in (0, 2)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_clusters_are_of_their_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    weights = [torch.randn(14, 16), torch.randn(12, 14), torch.randn(5, 12)]
    torch.save({f"{i}.weight": w for i, w in enumerate(weights)}, "mlp.pt")
    torch.save(
        {
            f"{i}.weight": torch.block_diag(*w[:, :9, :9].expand(2, 9, 9))
            for i, w in enumerate(torch.rand(2, 1, 9, 9))
        },
        "two.pt",
    )
    torch.save({"table": torch.randn(30, 4)}, "table.pt")
    np.savez("batch.npz", inputs=np.random.default_rng(0).random((20, 16)), labels=[0, 1] * 10)
    data = ["--data", "batch.npz", "--activation", "relu", "--random-groups", "3"]
    asked: list[list[str]] = [
        ["mlp.pt", "--shuffles", "5"],
        ["mlp.pt", "--clusters", "5", "--shuffles", "0", "--seeds", "1", *data],
        ["two.pt", "--clusters", "2", "--shuffles", "0", "--method", "filan2021"],
        ["table.pt"],
    ]
    found = [clusters_of(capsys, *arguments) for arguments in asked]
    for document in found:
        CLUSTERS.validate(document)
    assert found[1]["networks"][0]["lesions"]["class_accuracies"][4] is None
    assert found[2]["networks"][0]["clusters"][0]["in_out_ratio"] is None
    assert not CLUSTERS.is_valid(found[0] | {"schema": "modlint-clusters/2"})
    del found[0]["networks"][0]["modules"]
    assert not CLUSTERS.is_valid(found[0])


# The report


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are healthy, broken, not downloaded, damaged, sharded, and none at all."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    layers = [torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4)]
    torch.save(torch.nn.Sequential(*layers).state_dict(), folder / "healthy.pt")
    weight = np.full((4, 4), np.nan, np.float32)
    save_file({"fc.weight": weight}, folder / "na\nn.safetensors", {"format": "pt"})
    (folder / "pointer.onnx").write_text(POINTER)
    (folder / "damaged.pt").write_bytes((folder / "healthy.pt").read_bytes()[:300])
    (folder / "notes.ckpt").write_text("no checkpoint")
    (folder / "hostile.pkl").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    save_file({"a": np.ones(3, np.float32)}, folder / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_reports_of_the_command_line_are_valid(
    checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(checkpoints), "missing.pt", "--output-format", "json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["summary"]["files"] == 8
    assert any("shards" in file for file in report["files"])
    assert any(network for file in report["files"] for network in file["networks"])
    assert [error.message for error in REPORT.iter_errors(report)] == []


def test_reports_of_what_is_in_memory_are_valid() -> None:
    report = modlint.check({"fc.weight": np.full((4, 4), np.inf, np.float32)}, select="NUM,CLU")
    assert list(REPORT.iter_errors(report.to_dict())) == []


def test_reports_of_real_files_are_valid(shared: Path) -> None:
    files = sorted(path for path in (shared / "reports" / "health").rglob("*.safetensors"))
    report = modlint.check(files[:12])
    assert report.summary.files
    assert list(REPORT.iter_errors(report.to_dict())) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.pop("summary"),
        lambda report: report.update(schema="modlint-report/2"),
        lambda report: report["files"][0].pop("verdicts"),
        lambda report: report["files"][0].update(status="perhaps"),
        lambda report: report["files"][0]["verdicts"][0].update(outcome="maybe"),
        lambda report: report["files"][0]["verdicts"][0]["target"].pop("kind"),
        lambda report: report["run"].update(exit_code="1"),
    ],
)
def test_what_is_no_report_is_not_valid(checkpoints: Path, spoil: Any) -> None:
    report = modlint.check(checkpoints / "healthy.pt", select="NUM").to_dict()
    assert REPORT.is_valid(report)
    spoiled = copy.deepcopy(report)
    spoil(spoiled)
    assert not REPORT.is_valid(spoiled)


# The configuration


def documented() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every configuration that a page shows."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for index, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.S)):
            table = tomllib.loads(block)
            settings = table.get("tool", {}).get("modlint", {} if "project" in table else table)
            if settings and "tool" not in settings:
                yield f"{page.name}-{index}", settings


@pytest.mark.parametrize("settings", [pytest.param(s, id=name) for name, s in documented()])
def test_documented_settings_are_valid(settings: dict[str, Any]) -> None:
    assert [error.message for error in CONFIG.iter_errors(settings)] == []


@pytest.mark.parametrize("profile", [None, *PROFILES])
def test_what_init_writes_is_valid(profile: str | None) -> None:
    text = template(profile)
    assert CONFIG.is_valid(tomllib.loads(text))
    everything = re.sub(r'^# (?=[\w"-]+ = |\[)', "", text, flags=re.MULTILINE)
    assert [error.message for error in CONFIG.iter_errors(tomllib.loads(everything))] == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('select = ["NUM"]', True),
        ('fail-on = "never"', True),
        ("[rules.NUM001]\nseverity = 'note'", True),
        ("[rules.not-clusterable]\nshuffles = 20\nmax-p = 0.1", True),
        ("[rules.dead-neurons]\nmax-share = 0.5", True),
        ("[[networks]]\nfiles = 'a*.pt'\nactivation = 'gelu'", True),
        ('[per-file-ignores]\n"a/**" = ["NEU"]', True),
        ('selct = ["NUM"]', False),
        ("select = 'NUM'", False),
        ('fail-on = "sometimes"', False),
        ("seed = -1", False),
        ("budget = 0", False),
        ("strict = 1", False),
        ("baseline = ''", False),
        ("[rules.NUM001]\nseverity = 'huge'", False),
        ("[rules.dead-neurons]\nmax-share = 1.5", False),
        ("[rules.dead-neurons]\nmax-shares = 0.5", False),
        ("[rules.not-clusterable]\nshuffles = 'many'", False),
        ("[[networks]]\nactivation = 'gelu'", False),
        ("[[networks]]\nfiles = 'a*.pt'\nactivation = 'magic'", False),
        ('[per-file-ignores]\n"a/**" = "NEU"', False),
    ],
)
def test_the_schema_and_modlint_agree(text: str, right: bool, tmp_path: Path) -> None:
    (tmp_path / "modlint.toml").write_text(text)
    assert CONFIG.is_valid(tomllib.loads(text)) is right
    assert accepted(tmp_path / "modlint.toml") is right


def accepted(file: Path) -> bool:
    from modlint.engine.registry import load_registry

    try:
        settings: Settings = load_config(file).settings
        instantiate(load_registry().rules, settings, [])
    except UsageError:
        return False
    return True
