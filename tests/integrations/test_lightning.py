"""The callback for Lightning, in trainings by the real Trainer."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins import AsyncCheckpointIO
from torch.utils.data import DataLoader, TensorDataset

import modlint
from modlint.integrations.lightning import ModlintCallback


class Regression(LightningModule):
    """A small network whose weights are lost at a step, where one is given."""

    def __init__(self, lost_at: int | None = None) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
        )
        self.lost_at = lost_at

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step == self.lost_at:
            with torch.no_grad():
                self.layers[2].weight[0, 3] = float("nan")
        return (self.layers(batch[0]) - batch[1]).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


def trainer(folder: Path, callback: ModlintCallback, **settings: Any) -> Trainer:
    saving = ModelCheckpoint(folder / "saved", every_n_train_steps=2, save_top_k=-1)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return Trainer(
        default_root_dir=folder,
        max_steps=6,
        accelerator="cpu",
        callbacks=[callback, saving],
        **(quiet | settings),
    )


def data() -> DataLoader[tuple[torch.Tensor, ...]]:
    torch.manual_seed(0)
    return DataLoader(TensorDataset(torch.randn(64, 8), torch.randn(64, 1)), batch_size=8)


def test_each_saved_checkpoint_is_checked(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    training = trainer(tmp_path, ModlintCallback())
    training.fit(Regression(), data())
    saved = sorted((tmp_path / "saved").iterdir())
    assert len(saved) == 3
    assert [r.message for r in said.records if r.name == "modlint"] == [
        f"{path}: nothing found" for path in saved
    ]
    assert type(training.strategy.checkpoint_io).__module__.startswith("lightning.")


def test_weights_that_are_not_finite_end_the_training(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    training = trainer(tmp_path, ModlintCallback())
    with pytest.raises(
        modlint.FindingsError, match=r"state_dict\.layers\.0\.weight: .* not finite"
    ) as raised:
        training.fit(Regression(lost_at=3), data())
    assert training.global_step == 4
    assert {finding.rule for finding in raised.value.report.findings} == {"NUM001"}
    assert "NUM001 error" in said.text


def test_findings_are_logged_and_go_to_the_loggers(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    callback = ModlintCallback(stop_on_non_finite=False, select="NUM")
    training = trainer(tmp_path, callback, logger=CSVLogger(tmp_path, "logs"), log_every_n_steps=1)
    training.fit(Regression(lost_at=3), data())
    assert training.global_step == 6
    assert said.text.count("NUM001 error") >= 2
    (table,) = (tmp_path / "logs").rglob("metrics.csv")
    rows = [row for row in csv.DictReader(table.open()) if row["modlint/errors"]]
    errors = {int(row["step"]): float(row["modlint/errors"]) for row in rows}
    assert errors[2] == 0
    assert errors[4] > 0


def test_a_checkpoint_that_the_user_saves_is_checked(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    class Saving(ModlintCallback):
        def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            trainer.save_checkpoint(tmp_path / "end.ckpt")

    trainer(tmp_path, Saving()).fit(Regression(), data())
    assert f"{tmp_path / 'end.ckpt'}: nothing found" in said.messages


def test_what_is_written_later_is_said_not_to_be_checked(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    training = trainer(tmp_path, ModlintCallback(), plugins=[AsyncCheckpointIO()])
    training.fit(Regression(), data())
    assert "not checked: AsyncCheckpointIO writes later" in said.text
    assert "nothing found" not in said.text


def test_a_checkpoint_is_loaded_as_before(tmp_path: Path) -> None:
    trainer(tmp_path, ModlintCallback()).fit(Regression(), data())
    last = max((tmp_path / "saved").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    again = trainer(tmp_path, ModlintCallback(), max_epochs=-1)
    again.fit(Regression(), data(), ckpt_path=last, weights_only=False)
    assert again.global_step == 6


def test_wrong_settings_are_refused_before_the_training() -> None:
    with pytest.raises(TypeError, match="did you mean `select`"):
        ModlintCallback(selekt="NUM")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="fail_on"):
        ModlintCallback(fail_on="sometimes")
