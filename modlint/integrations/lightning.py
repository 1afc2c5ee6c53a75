"""A callback for Lightning: each checkpoint is checked when it was saved.

Source: Lightning's `CheckpointIO`, the one place that its strategies write files through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins import AsyncCheckpointIO

from modlint.api.keywords import Keywords
from modlint.integrations.saved import LOGGER, SavedCheckpoints, counts


class ModlintCallback(Callback):
    """Checks each checkpoint that a trainer saves, on the process that writes it.

    What is found is logged as a warning of the logger "modlint"; the numbers of findings go to the
    trainer's loggers.

    Args:
        stop_on_non_finite: whether weights that are NaN or infinite end the training, by a
            `modlint.FindingsError`.
        **settings: those of `modlint.check`; without `select` the profile `training`.

    Raises:
        TypeError, ValueError: a setting is unknown or wrong.
    """

    def __init__(self, *, stop_on_non_finite: bool = True, **settings: Unpack[Keywords]) -> None:
        self.saved = SavedCheckpoints(settings, stop_on_non_finite=stop_on_non_finite)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Have what writes checkpoints tell of each."""
        del pl_module, stage
        writer = trainer.strategy.checkpoint_io
        if isinstance(writer, AsyncCheckpointIO):
            LOGGER.warning("checkpoints are not checked: %s writes later", type(writer).__name__)
        elif not isinstance(writer, _CheckedIO):
            trainer.strategy.checkpoint_io = _CheckedIO(writer, trainer, self.saved)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the trainer as it was."""
        del pl_module, stage
        writer = trainer.strategy.checkpoint_io
        if isinstance(writer, _CheckedIO):
            trainer.strategy.checkpoint_io = writer.writer


class _CheckedIO(CheckpointIO):
    """Writes as another does, and checks what was written."""

    def __init__(self, writer: CheckpointIO, trainer: Trainer, saved: SavedCheckpoints) -> None:
        self.writer, self.trainer, self.saved = writer, trainer, saved

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        self.writer.save_checkpoint(checkpoint, path, storage_options=storage_options)
        if not Path(path).exists():
            LOGGER.warning("%s: not checked: it is not on this machine's disk", path)
            return
        found = counts(self.saved.check(Path(path)))
        for logger in self.trainer.loggers:
            logger.log_metrics(found, step=self.trainer.global_step)

    def load_checkpoint(self, path: Any, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        return self.writer.load_checkpoint(path, *arguments, **keywords)

    def remove_checkpoint(self, path: Any) -> None:
        self.writer.remove_checkpoint(path)

    def teardown(self) -> None:
        self.writer.teardown()
