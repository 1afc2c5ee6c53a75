"""The checkpoint that the files of a run are compared with: read once, examined once."""

from __future__ import annotations

from pathlib import Path

from modlint.engine.check import Reference, examine
from modlint.engine.config import Configuration
from modlint.engine.examine import FileExamination
from modlint.engine.load import load_whole
from modlint.engine.registry import Registry
from modlint.engine.run_record import RunRecord
from modlint.errors import Unavailable, UnreadableError


def read_reference(
    configuration: Configuration, registry: Registry, record: RunRecord
) -> Reference:
    """Read the checkpoint that the setting `baseline-model` names.

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


def note_reference(reference: Reference, record: RunRecord) -> None:
    """Record what went wrong in the reference's examination, and where it computed."""
    if isinstance(reference, FileExamination):
        path = reference.checkpoint.path
        record.errors += (f"baseline model {path}: {e}" for e in reference.internal_errors)
        if reference.used_device:
            record.devices.add(reference.used_device)
