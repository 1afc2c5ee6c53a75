"""Files in, report out: each file is checked, the reports are gathered, the run is judged."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from modlint import __version__
from modlint.discovery.content import sought_by
from modlint.discovery.discover import Search, discover
from modlint.engine.cache.checks import Cache, CachedChecks
from modlint.engine.check import FileOutcome
from modlint.engine.findings_baseline import Baseline, accepted, load_baseline, notes
from modlint.engine.gate import exit_code
from modlint.engine.jobs.progress import FileProgress
from modlint.engine.many import Checking, in_order
from modlint.engine.plan import CheckPlan, plan_check
from modlint.engine.registry import Registry
from modlint.engine.run_notes import note_discovery, note_interruption, note_others
from modlint.engine.run_record import RunRecord
from modlint.errors import Unavailable
from modlint.report import FileReport, Report, RuleEntry, Run, Summary
from modlint.settings.config import Configuration
from modlint.settings.profiles import is_safety
from modlint.settings.select import Patterns
from modlint.settings.steering import excluder, steering_note

_OF_THE_WORK = ("cache", "jobs")
"""Settings that say how the work is done."""


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
    cache = _opened(configuration)
    with contextlib.nullcontext() if cache is None else cache.planned:
        plan = plan_check(configuration, registry)
    settings = configuration.settings
    baseline = _baseline(configuration)
    excludes = Patterns(settings.exclude, configuration.root).match
    found = discover(
        paths, Search(sought_by(registry.readers), excludes, everything=is_safety(settings))
    )
    problems = list(registry.problems)
    record = RunRecord(skipped=list(problems))
    note_discovery(found, excluder(configuration), record)
    record.errors += plan.errors
    checking = Checking(plan, _kept(plan, cache), configuration.cache, progress)
    checked: dict[Path, FileOutcome] = {}
    try:
        with contextlib.closing(checking.outcomes(found.files)) as outcomes:
            for path, outcome in outcomes:
                checked[path] = outcome  # noqa: PERF403 (what is finished before an interruption)
    except KeyboardInterrupt:
        note_interruption(len(checked), len(found.files), record)
    for path in filter(checked.__contains__, in_order(found.files)):
        outcome = checked[path]
        record.merge(outcome.errors, outcome.notes, outcome.devices, torch=outcome.torch)
    files: list[FileReport] = []
    idle: list[FileReport] = []
    for path in filter(checked.__contains__, found.files):
        outcome = checked[path]
        (idle if outcome.idle and path in found.unsure else files).append(outcome.report)
    files = _less_accepted(files, baseline, record)
    later = dict.fromkeys((*registry.problems, *checking.problems))
    record.skipped += [problem for problem in later if problem not in problems]
    note_others(found, idle, len(files), record)
    reported = [Path(file.path) for file in files]
    note = steering_note(configuration, registry.rules, paths, reported)
    record.notes += [note] if note is not None else []
    return report_of(files, plan, record, time.perf_counter() - started)


def _opened(configuration: Configuration) -> Cache | None:
    """The folder of kept outcomes, None where nothing is kept."""
    if configuration.cache is None:
        return None
    with contextlib.suppress(Unavailable):
        return Cache.open(configuration.cache, paranoid=configuration.paranoid)
    return None


def _kept(plan: CheckPlan, cache: Cache | None) -> CachedChecks | None:
    """The checks that are kept; None where nothing may be of such a plan."""
    if cache is not None:
        with contextlib.suppress(Unavailable):
            return CachedChecks(plan, cache)
    return None


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
    """The settings with snake_case keys; those of rules keep the names that users gave.

    Those that change nothing in a report are left out, so that it is the same.
    """
    settings = msgspec.structs.asdict(configuration.settings)
    return {name: value for name, value in settings.items() if name not in _OF_THE_WORK}


def _catalogue(files: Sequence[FileReport], plan: CheckPlan) -> tuple[RuleEntry, ...]:
    """The rules that reached a verdict."""
    codes = {verdict.rule for file in files for verdict in file.verdicts}
    return tuple(entry for entry in plan.catalogue if entry.code in codes)
