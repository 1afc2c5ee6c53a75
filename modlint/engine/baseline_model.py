"""The checkpoint that the files of a run are compared with: read once, examined once."""

from __future__ import annotations

from pathlib import Path

from modlint.engine.check import Baseline, examine
from modlint.engine.config import Configuration
from modlint.engine.examine import FileExamination
from modlint.engine.load import load_whole
from modlint.engine.registry import Registry
from modlint.engine.run_record import RunRecord
from modlint.errors import Unavailable, UnreadableError


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
