"""The examples of modlint-train run, and what they train is clusterable to modlint."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from modlint_train import FixedPartition
from torch import nn

PLUGIN = Path(__file__).resolve().parents[3] / "plugins" / "modlint-train"
EXAMPLES = PLUGIN / "examples"


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(PLUGIN), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done


def test_plain_example_makes_a_network_more_clusterable_than_its_shuffles(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    printed = _run(EXAMPLES / "plain.py", path).stdout.split()
    accuracy, share = float(printed[1].rstrip(",")), float(printed[-1])
    assert accuracy > 0.9
    assert share > 0.6
    select = ("--isolated", "--select", "CLU001", "--output-format", "json")
    report = json.loads(_run("-m", "modlint", "check", *select, path).stdout)
    (verdict,) = report["files"][0]["verdicts"]
    assert verdict["values"]["z_score"] < -10


def test_lightning_callback_adds_the_penalty_to_the_gradient() -> None:
    lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                *(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
            )

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            return nn.functional.mse_loss(self.net(batch[0]), batch[0][:, :4])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    callback: Any = runpy.run_path(str(EXAMPLES / "lightning_callback.py"))["Clusterability"]
    excess = []
    for weight in (0.0, 3.0):
        torch.manual_seed(0)
        module = Module()
        clusterability = callback(lambda m: FixedPartition(m).penalty, weight, attribute="net")
        data = torch.utils.data.TensorDataset(torch.randn(256, 8))
        quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
        trainer = lightning.Trainer(
            max_epochs=20, accelerator="cpu", callbacks=[clusterability], **quiet
        )
        with warnings.catch_warnings(action="ignore"):
            trainer.fit(module, torch.utils.data.DataLoader(data, 16))
        excess.append(FixedPartition(module.net).excess())
    assert excess[0] < 0.4
    assert excess[1] > 0.7
