"""What docs/integrations.md shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from integrations.test_pytest_plugin import project, run_pytest
from safetensors.numpy import save_file
from transformers import BertConfig, BertForSequenceClassification, TrainingArguments

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "integrations.md").read_text("utf-8")

__all__ = ["project"]


def program(name: str) -> str:
    return PAGE.split(f"<!-- {name} -->\n\n```python\n")[1].split("```")[0]


def test_the_tests(project: Path) -> None:
    (project / "test_weights.py").write_text(program("pytest"))
    release = project / "release"
    release.mkdir()
    values = np.random.default_rng(0).standard_normal((8, 16), dtype=np.float32)
    save_file({"fc.weight": values}, release / "model.safetensors", {"format": "pt"})
    done = run_pytest(project)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    save_file({"module.fc.weight": values}, release / "model.safetensors", {"format": "pt"})
    done = run_pytest(project)
    assert "1 failed, 1 passed" in done.stdout
    assert "FMT005" in done.stdout


def test_the_trainers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    names = {
        "model": BertForSequenceClassification(BertConfig(num_hidden_layers=1, **sizes)),
        "arguments": TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to=[]),
    }
    for name in ("lightning", "transformers"):
        made: dict[str, object] = dict(names)
        exec(program(name), made)
        kinds = {type(callback) for callback in vars(made["trainer"]).get("callbacks", ())}
        callbacks = getattr(made["trainer"], "callback_handler", made["trainer"]).callbacks
        assert made["ModlintCallback"] in {type(callback) for callback in callbacks} | kinds


def test_the_setting_is_one(project: Path) -> None:
    (name,) = re.findall(r"^(modlint_\w+) = ", PAGE, re.MULTILINE)
    assert name in run_pytest(project, "--help").stdout
