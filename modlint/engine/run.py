"""Files in, report out: each file is checked, the reports are gathered, the run is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from modlint import __version__
from modlint.analysis.base import Progress
from modlint.analysis.values import device_for
from modlint.engine.baseline_model import note_baseline, read_baseline
from modlint.engine.check import FileCheck
from modlint.engine.config import Configuration
from modlint.engine.content import sought_by
from modlint.engine.discover import Search, discover
from modlint.engine.gate import exit_code
from modlint.engine.profiles import is_safety
from modlint.engine.registry import Registry
from modlint.engine.rule_settings import instantiate
from modlint.engine.run_notes import note_discovery, note_interruption, note_others
from modlint.engine.run_record import RunRecord
from modlint.engine.select import Patterns, select_rules, validate_selectors
from modlint.engine.steering import excluder, steering_note
from modlint.report import FileReport, Report, RuleReport, Run, Summary
from modlint.rule import Rule

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
    _require_device(settings.device)
    excludes = Patterns(settings.exclude, configuration.root).match
    found = discover(
        paths, Search(sought_by(registry.readers), excludes, everything=is_safety(settings))
    )
    record = RunRecord(skipped=list(registry.problems))
    note_discovery(found, excluder(configuration), record)
    baseline = read_baseline(configuration, registry, record)
    files: list[FileReport] = []
    idle: list[FileReport] = []
    try:
        for index, path in enumerate(found.files):
            selected = select_rules(configuration, registry.rules.values(), path)
            with progress(path, index, len(found.files)) as file_progress:
                chosen = [rules[rule.code] for rule in selected]
                examined = FileCheck(path, configuration, registry, chosen, baseline)
                report = examined.report(file_progress, record)
                (idle if examined.idle and path in found.unsure else files).append(report)
    except KeyboardInterrupt:
        note_interruption(len(files) + len(idle), len(found.files), record)
    note_others(found, idle, len(files), record)
    reported = [Path(file.path) for file in files]
    note = steering_note(configuration, registry.rules, paths, reported)
    record.notes += [note] if note is not None else []
    note_baseline(baseline, record)
    catalogue = _catalogue(files, rules)
    seconds = time.perf_counter() - started
    return _report(files, catalogue, configuration, registry, record, seconds)


def _catalogue(
    files: Sequence[FileReport], rules: Mapping[str, Rule[Any]]
) -> tuple[RuleReport, ...]:
    """The rules that reached a verdict."""
    codes = {verdict.rule for file in files for verdict in file.verdicts}
    return tuple(
        RuleReport(
            code=rule.code,
            name=rule.name,
            summary=rule.summary,
            severity=rule.configured_severity or rule.severity,
            persona=rule.persona,
            cost=rule.cost,
            source=rule.source,
        )
        for rule in rules.values()
        if rule.code in codes
    )


def _require_device(setting: str) -> None:
    if setting == "cuda":
        device_for(setting, 0)


def _report(
    files: list[FileReport],
    catalogue: tuple[RuleReport, ...],
    configuration: Configuration,
    registry: Registry,
    record: RunRecord,
    seconds: float,
) -> Report:
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
        exit_code=exit_code(files, settings, record),
        problems=(*record.errors, *record.skipped),
        notes=tuple(record.notes),
    )
    return Report(run=run, summary=summary, rules=catalogue, files=tuple(files))


def _settings_in_report(configuration: Configuration) -> dict[str, Any]:
    """The settings with snake_case keys; those of rules keep the names that users gave."""
    return dict(msgspec.structs.asdict(configuration.settings))
