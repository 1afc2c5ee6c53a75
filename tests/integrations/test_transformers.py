"""The callback for transformers, in trainings by the real Trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

import modlint
from modlint.integrations.transformers import ModlintCallback

SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 16,
}


class Losing(TrainerCallback):
    """Makes a weight infinite after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any, **rest: Any) -> None:
        if state.global_step == self.step:
            with torch.no_grad():
                model.classifier.weight[0, 0] = float("inf")


def trainer(folder: Path, *callbacks: TrainerCallback, **arguments: Any) -> Trainer:
    torch.manual_seed(0)
    examples = [
        {"input_ids": torch.randint(0, 50, (8,)), "labels": torch.tensor(i % 2)} for i in range(16)
    ]
    settings = {
        "output_dir": str(folder),
        "max_steps": 6,
        "save_steps": 2,
        "per_device_train_batch_size": 4,
        "use_cpu": True,
        "report_to": [],
        "logging_steps": 1,
        "disable_tqdm": True,
    }
    return Trainer(
        model=BertForSequenceClassification(BertConfig(**SIZES)),
        args=TrainingArguments(**(settings | arguments)),
        train_dataset=examples,  # type: ignore[arg-type]
        callbacks=list(callbacks),
    )


def test_each_saved_checkpoint_is_checked(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    training = trainer(tmp_path, ModlintCallback())
    training.train()
    folders = [tmp_path / f"checkpoint-{step}" for step in (2, 4, 6)]
    assert all((folder / "model.safetensors").exists() for folder in folders)
    assert [r.message for r in said.records if r.name == "modlint"] == [
        f"{folder}: nothing found" for folder in folders
    ]
    history = json.loads((folders[2] / "trainer_state.json").read_text())["log_history"]
    counted = [entry for entry in history if "modlint/errors" in entry]
    assert [(entry["step"], entry["modlint/errors"]) for entry in counted] == [(2, 0), (4, 0)]


def test_weights_that_are_not_finite_end_the_training(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    training = trainer(tmp_path, Losing(3), ModlintCallback())
    with pytest.raises(modlint.FindingsError, match=r"checkpoint-4.*: .* not finite"):
        training.train()
    assert training.state.global_step == 4
    assert "NUM001 error" in said.text


def test_it_stops_whatever_rules_are_selected(tmp_path: Path) -> None:
    training = trainer(tmp_path, Losing(1), ModlintCallback(select="FMT"))
    with pytest.raises(modlint.FindingsError, match="not finite"):
        training.train()
    quieter = {"non-finite": {"severity": "note"}}
    training = trainer(tmp_path, Losing(1), ModlintCallback(select="NUM", rules=quieter))
    with pytest.raises(modlint.FindingsError, match="not finite"):
        training.train()


def test_findings_alone_end_nothing(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    training = trainer(tmp_path, Losing(3), ModlintCallback(stop_on_non_finite=False))
    training.train()
    assert training.state.global_step == 6
    counted = [e["modlint/errors"] for e in training.state.log_history if "modlint/errors" in e]
    assert counted[0] == 0
    assert counted[1] > 0
    assert said.text.count("NUM001 error") >= 2


def test_state_of_the_optimiser_alone_ends_nothing(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    class LosingState(TrainerCallback):
        def on_step_end(self, *arguments: Any, optimizer: Any, **rest: Any) -> None:
            state = next(iter(optimizer.state.values()))
            state["exp_avg"].view(-1)[0] = float("nan")
            for group in optimizer.param_groups:
                group["lr"] = 0.0

    training = trainer(
        tmp_path, LosingState(), ModlintCallback(), max_steps=1, save_steps=1, weight_decay=0.0
    )
    training.train()
    assert "NUM001 warning" in said.text


def test_checkpoints_that_are_not_where_they_should_be_are_said_not_to_be_checked(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    class Elsewhere(Trainer):
        def _get_output_dir(self, trial: Any) -> str:
            return str(tmp_path / "elsewhere")

    training = trainer(tmp_path, ModlintCallback())
    training.__class__ = Elsewhere
    training.train()
    assert said.text.count("not checked: there is no such folder") == 3
