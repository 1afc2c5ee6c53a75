"""Two paths, or checkpoints in memory, in; what differs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from modlint.analysis.beside import Document
from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.difference import Difference
from modlint.engine.diff.compare import compare
from modlint.engine.diff.sides import Side, logical_weights, side_of
from modlint.engine.diff.verdicts import compared, regressions
from modlint.engine.examine import FileExamination
from modlint.engine.in_memory import check_read
from modlint.engine.jobs.progress import FileProgress
from modlint.engine.load_model import load_model
from modlint.engine.registry import Registry
from modlint.engine.run import check
from modlint.errors import Unavailable, UnreadableError, UsageError
from modlint.report import Report
from modlint.settings.config import Configuration
from modlint.verdict import Severity

Compared = Path | Checkpoint
"""What is compared: a file, a folder, or what lies in memory."""

_ADAPTER = "adapter_config.json"


class Wanted(Struct, frozen=True):
    """What is asked for.

    Attributes:
        lossless: whether whatever differs is a regression.
        rules: whether the rules are run on both.
    """

    lossless: bool = False
    rules: bool = True


def diff(
    old: Compared,
    new: Compared,
    configuration: Configuration,
    registry: Registry,
    progress: FileProgress,
    wanted: Wanted = Wanted(),  # noqa: B008 (it is frozen)
) -> Difference:
    """Compare two checkpoints.

    Args:
        old: what is compared with.
        new: what is judged.
        configuration: settings of the rules and of the gate.
        registry: readers, and the rules that are run on both.
        progress: called with each of the two.
        wanted: what is asked for.

    Raises:
        UsageError: one of them is missing, cannot wholly be read or holds no tensor.
    """
    settings = replace(configuration.settings, baseline_model=None)
    configuration = replace(configuration, settings=settings)
    registry.load_all()
    checkpoints = [_read(what, registry) for what in (old, new)]
    sides, configs, errors = [], [], list[str]()
    for checkpoint in checkpoints:
        examination = FileExamination(checkpoint, Built(()), "cpu", _silent, errors)
        sides.append(_side(examination))
        configs.append(_config(examination))
    with progress(checkpoints[1].path, 0, 1) as told:
        found = compare(
            sides[0], sides[1], (configs[0], configs[1]), told, lossless=wanted.lossless
        )
    reports = [
        _checked(what, configuration, registry, progress) if wanted.rules else None
        for what in (old, new)
    ]
    gained, lost = compared(_findings(reports[0]), _findings(reports[1]), found.renamed)
    worse = (*found.difference.regressions, *regressions(gained))
    problems = dict.fromkeys(p for report in reports if report for p in report.run.problems)
    difference = replace(
        found.difference,
        regressions=tuple(sorted(worse, key=lambda r: -r.severity.rank)),
        gained=tuple(gained),
        lost=tuple(lost),
        problems=(*errors, *problems),
    )
    return replace(difference, exit_code=_exit_code(difference, configuration))


def _exit_code(difference: Difference, configuration: Configuration) -> int:
    settings = configuration.settings
    if settings.exit_zero or settings.fail_on == "never":
        return 0
    least = Severity(settings.fail_on).rank
    return int(any(regression.severity.rank >= least for regression in difference.regressions))


def _read(what: Compared, registry: Registry) -> Checkpoint:
    """What is compared.

    Raises:
        UsageError: there is none, it cannot wholly be read, or it holds no tensor.
    """
    if isinstance(what, Checkpoint):
        return what
    try:
        checkpoint = load_model(what, registry.readers)
    except UnreadableError as error:
        raise UsageError(f"{what}: {error}") from None
    if not checkpoint.tensors:
        raise UsageError(f"{what}: holds no tensor")
    return checkpoint


def _side(examination: FileExamination) -> Side:
    logical, parts = logical_weights(examination)
    return side_of(examination.checkpoint, logical, parts)


def _config(examination: FileExamination) -> Mapping[str, Any]:
    """What stands beside an adapter, nothing where there is no such file."""
    try:
        return examination.result(Document(_ADAPTER), examination.checkpoint) or {}
    except Unavailable:
        return {}


def _checked(
    what: Compared, configuration: Configuration, registry: Registry, progress: FileProgress
) -> Report | None:
    if isinstance(what, Checkpoint):
        return check_read(what, configuration, registry)
    return check([what], configuration, registry, progress)


def _findings(report: Report | None) -> Sequence[Any]:
    return () if report is None else report.findings


def _silent(what: str, done: int, total: int) -> None:
    """Tells nobody."""
