"""A callback for the Trainer of transformers: each checkpoint is checked when it was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from transformers.trainer_callback import TrainerCallback, TrainerControl, TrainerState
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.training_args import TrainingArguments

from modlint.api.keywords import Keywords
from modlint.integrations.saved import LOGGER, SavedCheckpoints, counts


class ModlintCallback(TrainerCallback):
    """Checks each checkpoint folder that a Trainer saves, on the first process.

    What is found is logged as a warning of the logger "modlint"; the numbers of findings go to
    `state.log_history`, which trainer_state.json holds.

    Args:
        stop_on_non_finite: whether weights that are NaN or infinite end the training, by a
            `modlint.FindingsError`.
        **settings: those of `modlint.check`; without `select` the profile `training`.

    Raises:
        TypeError, ValueError: a setting is unknown or wrong.
    """

    def __init__(self, *, stop_on_non_finite: bool = True, **settings: Unpack[Keywords]) -> None:
        self.saved = SavedCheckpoints(settings, stop_on_non_finite=stop_on_non_finite)

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Check the folder that was saved last."""
        del control, kwargs
        if not state.is_world_process_zero:
            return
        folder = Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        if not folder.is_dir():
            LOGGER.warning("%s: not checked: there is no such folder", folder)
            return
        found = counts(self.saved.check(folder))
        state.log_history.append({"step": state.global_step, **found})
