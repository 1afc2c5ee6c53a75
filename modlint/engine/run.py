"""Files in, report out: each file is checked, the reports are gathered, the run is judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from modlint import __version__
from modlint.analysis.base import Progress
from modlint.discovery.content import sought_by
from modlint.discovery.discover import Search, discover
from modlint.engine.check import FileOutcome, check_file
from modlint.engine.findings_baseline import Baseline, accepted, load_baseline, notes
from modlint.engine.gate import exit_code
from modlint.engine.plan import CheckPlan, plan_check
from modlint.engine.registry import Registry
from modlint.engine.run_notes import note_discovery, note_interruption, note_others
from modlint.engine.run_record import RunRecord
from modlint.file_names import is_index
from modlint.report import FileReport, Report, RuleEntry, Run, Summary
from modlint.settings.config import Configuration
from modlint.settings.profiles import is_safety
from modlint.settings.select import Patterns
from modlint.settings.steering import excluder, steering_note

FileProgress = Callable[[Path, int, int], AbstractContextManager[Progress]]
"""Called with (file, its index, number of files); gives the progress of work on it."""


def check(
    paths: Sequence[Path],
    configuration: Configuration,
    registry: Registry,
    progress: FileProgress,
) -> Report:
    """Check files and folders.

    Raises:
        UsageError: a selector, a rule's option, the device or the baseline is wrong.
    """
    started = time.perf_counter()
    plan = plan_check(configuration, registry)
    settings = configuration.settings
    baseline = _baseline(configuration)
    excludes = Patterns(settings.exclude, configuration.root).match
    found = discover(
        paths, Search(sought_by(registry.readers), excludes, everything=is_safety(settings))
    )
    record = RunRecord(skipped=list(registry.problems))
    note_discovery(found, excluder(configuration), record)
    record.errors += plan.errors
    checked: dict[Path, FileOutcome] = {}
    try:
        for path, outcome in _outcomes(found.files, plan, progress):
            checked[path] = outcome
            record.merge(outcome.errors, outcome.notes, outcome.devices, torch=outcome.torch)
    except KeyboardInterrupt:
        note_interruption(len(checked), len(found.files), record)
    files: list[FileReport] = []
    idle: list[FileReport] = []
    for path in filter(checked.__contains__, found.files):
        outcome = checked[path]
        (idle if outcome.idle and path in found.unsure else files).append(outcome.report)
    files = _less_accepted(files, baseline, record)
    record.skipped += registry.problems[len(record.skipped) :]
    note_others(found, idle, len(files), record)
    reported = [Path(file.path) for file in files]
    note = steering_note(configuration, registry.rules, paths, reported)
    record.notes += [note] if note is not None else []
    return report_of(files, plan, record, time.perf_counter() - started)


def _outcomes(
    files: Sequence[Path], plan: CheckPlan, progress: FileProgress
) -> Iterator[tuple[Path, FileOutcome]]:
    """Check each file, indexes first: with them the tensors of their shards are judged."""
    of_shards = replace(plan, structure_only=True)
    shards: set[str] = set()
    for done, path in enumerate(sorted(files, key=lambda path: not is_index(path))):
        with progress(path, done, len(files)) as file_progress:
            is_shard = os.path.normpath(path) in shards
            outcome = check_file(path, of_shards if is_shard else plan, file_progress)
        for shard in outcome.report.shards or ():
            shards.add(os.path.normpath(path.parent / shard))
        yield path, outcome


def _baseline(configuration: Configuration) -> tuple[Path, Baseline] | None:
    """The file of accepted findings, and what it holds."""
    if configuration.settings.baseline is None:
        return None
    path = Path(configuration.settings.baseline)
    return path, load_baseline(path)


def _less_accepted(
    files: list[FileReport], baseline: tuple[Path, Baseline] | None, record: RunRecord
) -> list[FileReport]:
    """The reports with the findings marked that the user has accepted."""
    if baseline is None:
        return files
    path, known = baseline
    found = accepted(files, known, path.parent, datetime.now(UTC).date())
    record.notes += notes(found, path)
    return list(found.files)


def report_of(
    files: list[FileReport],
    plan: CheckPlan,
    record: RunRecord,
    seconds: float,
) -> Report:
    """The report on files that were checked."""
    settings, registry = plan.configuration.settings, plan.registry
    summary = Summary.of(files)
    run = Run(
        modlint=__version__,
        plugins=registry.versions,
        torch=version("torch") if record.torch else None,
        device=max(record.devices, default=None),
        seed=settings.seed,
        seconds=round(seconds, 3),
        settings=_settings_in_report(plan.configuration),
        exit_code=exit_code(files, settings, record),
        problems=(*record.errors, *record.skipped),
        notes=tuple(record.notes),
    )
    return Report(run=run, summary=summary, rules=_catalogue(files, plan), files=tuple(files))


def _settings_in_report(configuration: Configuration) -> dict[str, Any]:
    """The settings with snake_case keys; those of rules keep the names that users gave."""
    return dict(msgspec.structs.asdict(configuration.settings))


def _catalogue(files: Sequence[FileReport], plan: CheckPlan) -> tuple[RuleEntry, ...]:
    """The rules that reached a verdict."""
    codes = {verdict.rule for file in files for verdict in file.verdicts}
    return tuple(entry for entry in plan.catalogue if entry.code in codes)
