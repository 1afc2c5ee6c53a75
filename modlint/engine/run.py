"""Files in, report out: each file is checked, the reports are gathered, the run is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from modlint import __version__
from modlint.analysis.base import Progress
from modlint.analysis.values import device_for
from modlint.checkpoint import Status
from modlint.engine.baseline_model import note_baseline, read_baseline
from modlint.engine.check import FileCheck
from modlint.engine.config import Configuration
from modlint.engine.content import sought_by
from modlint.engine.discover import Search, discover
from modlint.engine.profiles import is_safety
from modlint.engine.registry import Registry
from modlint.engine.rule_settings import instantiate
from modlint.engine.run_notes import note_discovery, note_others
from modlint.engine.run_record import RunRecord
from modlint.engine.select import Patterns, select_rules, validate_selectors
from modlint.engine.steering import excluder, steering_note
from modlint.report import FileReport, Report, Run, Summary
from modlint.verdict import Severity

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
        UsageError: a selector, a rule's option or the device is wrong.
    """
    started = time.perf_counter()
    settings = configuration.settings
    registry.load_all()
    validate_selectors(settings, registry.rules)
    rules = instantiate(registry.rules, settings)
    require_device(settings.device)
    excludes = Patterns(settings.exclude, configuration.root).match
    found = discover(
        paths, Search(sought_by(registry.readers), excludes, everything=is_safety(settings))
    )
    record = RunRecord(skipped=list(registry.problems))
    note_discovery(found, excluder(configuration), record)
    baseline = read_baseline(configuration, registry, record)
    files: list[FileReport] = []
    idle: list[FileReport] = []
    for index, path in enumerate(found.files):
        selected = select_rules(configuration, registry.rules.values(), path)
        with progress(path, index, len(found.files)) as file_progress:
            chosen = [rules[rule.code] for rule in selected]
            examined = FileCheck(path, configuration, registry, chosen, baseline)
            report = examined.report(file_progress, record)
            (idle if examined.idle and path in found.unsure else files).append(report)
    note_others(found, idle, len(files), record)
    reported = [Path(file.path) for file in files]
    note = steering_note(configuration, registry.rules, paths, reported)
    record.notes += [note] if note is not None else []
    note_baseline(baseline, record)
    return report_of(files, configuration, registry, record, time.perf_counter() - started)


def require_device(setting: str) -> None:
    """Refuse, before the work begins, a device that is not there.

    Raises:
        UsageError: there is none.
    """
    if setting == "cuda":
        device_for(setting, 0)


def report_of(
    files: list[FileReport],
    configuration: Configuration,
    registry: Registry,
    record: RunRecord,
    seconds: float,
) -> Report:
    """The report on files that were checked."""
    settings = configuration.settings
    summary = Summary.of(files)
    run = Run(
        modlint=__version__,
        plugins=registry.versions,
        torch=version("torch") if record.devices else None,
        device=max(record.devices, default=None),
        seed=settings.seed,
        seconds=round(seconds, 3),
        settings=_settings_in_report(configuration),
        exit_code=_exit_code(files, configuration, record, summary),
        problems=(*record.errors, *record.skipped),
        notes=tuple(record.notes),
    )
    return Report(run=run, summary=summary, files=tuple(files))


def _settings_in_report(configuration: Configuration) -> dict[str, Any]:
    """The settings with snake_case keys; those of rules keep the names that users gave."""
    return dict(msgspec.structs.asdict(configuration.settings))


def _exit_code(
    files: Sequence[FileReport],
    configuration: Configuration,
    record: RunRecord,
    summary: Summary,
) -> int:
    """0 clean, 1 findings at or above `fail-on`, 2 wrong usage or an internal error."""
    settings = configuration.settings
    if record.errors:
        return 2
    if settings.strict:
        unread = any(file.status is Status.NOT_A_CHECKPOINT for file in files)
        if summary.inconclusive or record.skipped or unread:
            return 1
    if settings.fail_on == "never":
        return 0
    least = Severity(settings.fail_on).rank
    counts = {"error": summary.error, "warning": summary.warning, "note": summary.note}
    return int(any(count and Severity(name).rank >= least for name, count in counts.items()))
