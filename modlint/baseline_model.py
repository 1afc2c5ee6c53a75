"""The checkpoint that the files of a run are compared with: read once, examined once."""

from __future__ import annotations

from pathlib import Path

from modlint.config import Configuration
from modlint.errors import Unavailable, UnreadableError
from modlint.examination import FileExamination
from modlint.file_check import Baseline, examine
from modlint.loading import load_whole
from modlint.registry import Registry
from modlint.run_record import RunRecord


def read_baseline(configuration: Configuration, registry: Registry, record: RunRecord) -> Baseline:
    """Read the checkpoint that `baseline-model` names.

    Where it cannot be read the record says so, and rules that compare become inconclusive.
    """
    setting = configuration.settings.baseline_model
    if setting is None:
        return None
    try:
        checkpoint = load_whole(Path(setting), registry.readers)
    except UnreadableError as error:
        problem = f"baseline model {setting}: {error}"
        record.errors.append(problem)
        return Unavailable(problem)
    return examine(checkpoint, configuration, registry, lambda *_: None)


def note_baseline(baseline: Baseline, record: RunRecord) -> None:
    """Record what went wrong in the baseline's examination, and where it computed."""
    if isinstance(baseline, FileExamination):
        path = baseline.checkpoint.path
        record.errors += (f"baseline model {path}: {e}" for e in baseline.internal_errors)
        if baseline.used_device:
            record.devices.add(baseline.used_device)
