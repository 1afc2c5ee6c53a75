"""Checkpoints of Lightning's trainer: with hyperparameters, callbacks and averaged weights."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benign.collection import Collection

FILES = Collection("lightning")


def module(hyperparameters: Any) -> Any:
    """A module that Lightning trains; Lightning is only imported where it is needed."""
    import lightning

    class Classifier(lightning.LightningModule):
        def __init__(self, hparams: Any) -> None:
            super().__init__()
            self.save_hyperparameters(hparams)
            self.net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))

        def training_step(self, batch: Any, index: int) -> Any:
            (inputs,) = batch
            loss = self.net(inputs).square().mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
            return {"optimizer": optimizer, "lr_scheduler": scheduler}

    return Classifier(hyperparameters)


def trained(
    folder: Path, hyperparameters: Any, callbacks: Sequence[Any] = (), **options: Any
) -> Path:
    import lightning
    from lightning.pytorch.callbacks import ModelCheckpoint

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    data = torch.utils.data.TensorDataset(torch.rand(8, 6))
    keep = ModelCheckpoint(dirpath=folder, monitor="loss", save_last=True, filename="{epoch}")
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[keep, *callbacks],
        default_root_dir=folder,
        **options,
    )
    trainer.fit(module(hyperparameters), torch.utils.data.DataLoader(data, batch_size=4))
    return folder


@FILES.file()
def plain_hyperparameters(folder: Path) -> Path:
    return trained(folder, {"lr": 0.1, "layers": [3, 2], "name": "mlp", "bias": True})


@FILES.file()
def hyperparameters_from_the_command_line(folder: Path) -> Path:
    return trained(folder, argparse.Namespace(lr=0.1, data=Path("data"), device="cpu"))


@FILES.file("note")
def hyperparameters_of_omegaconf(folder: Path) -> Path:
    from omegaconf import OmegaConf

    settings = {"lr": 0.1, "net": {"width": 3, "depth": "${net.width}"}, "kinds": ["a", None]}
    return trained(folder, OmegaConf.create(settings))


@FILES.file()
def callbacks_of_every_sort(folder: Path) -> Path:
    from lightning.pytorch import callbacks

    return trained(
        folder,
        {"lr": 0.1},
        [
            callbacks.EarlyStopping("loss"),
            callbacks.StochasticWeightAveraging(0.05, swa_epoch_start=1),
            callbacks.Timer(),
        ],
    )


@FILES.file()
def averaged_weights(folder: Path) -> Path:
    from lightning.pytorch.callbacks import EMAWeightAveraging

    return trained(folder, {"lr": 0.1}, [EMAWeightAveraging(decay=0.9)])
