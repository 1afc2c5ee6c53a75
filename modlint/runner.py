"""Files in, report out: each file is read, its rules are run, the verdicts gathered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from modlint import __version__
from modlint.analysis import Progress, TensorAnalysis
from modlint.checkpoint import Checkpoint, Status
from modlint.config import Configuration
from modlint.discovery import Discovery, discover
from modlint.errors import Unavailable, UsageError
from modlint.examination import FileExamination
from modlint.loading import build_networks, load
from modlint.registry import Registry
from modlint.report import FileReport, Report, Run, Summary
from modlint.rule import Rule
from modlint.rule_settings import instantiate
from modlint.selection import Patterns, select_rules, validate_selectors
from modlint.verdict import Outcome, Severity, Target, Verdict

FileProgress = Callable[[Path, int, int], AbstractContextManager[Progress]]
"""Called with (file, its index, number of files); gives the progress of work on it."""


@dataclass(slots=True)
class _Outcome:
    """What a run gathers beside the files' reports."""

    usage: list[str] = field(default_factory=list)  # wrong usage: exit code 2
    skipped: list[str] = field(default_factory=list)  # fails only a strict run
    devices: set[str] = field(default_factory=set)


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
    found = discover(paths, Patterns(settings.exclude, configuration.root).match)
    outcome = _Outcome(skipped=list(registry.problems))
    _note_discovery(found, outcome)
    files = []
    for index, path in enumerate(found.files):
        selected = select_rules(configuration, registry.rules.values(), path)
        with progress(path, index, len(found.files)) as file_progress:
            file = _FileCheck(
                path, configuration, registry, [rules[rule.code] for rule in selected]
            )
            files.append(file.report(file_progress, outcome))
    return _report(files, configuration, registry, outcome, time.perf_counter() - started)


class _FileCheck:
    """The check of one file with the rules that were selected for it."""

    def __init__(
        self,
        path: Path,
        configuration: Configuration,
        registry: Registry,
        rules: Sequence[Rule[Any]],
    ) -> None:
        self.path = path
        self.configuration = configuration
        self.registry = registry
        self.rules = rules

    def report(self, progress: Progress, outcome: _Outcome) -> FileReport:
        """Examine the file as each container that it claims to be; the first names it."""
        reports = []
        for checkpoint in load(self.path, self.registry.readers):
            examination = self._examination(checkpoint, progress)
            verdicts = list(self._verdicts(examination, outcome))
            if examination.used_device:
                outcome.devices.add(examination.used_device)
            networks = examination.networks
            reports.append(FileReport.of(str(self.path), checkpoint, networks, verdicts))
        first, *others = reports
        extra = tuple(verdict for other in others for verdict in other.verdicts)
        formats = dict.fromkeys(report.format for report in reports)
        return msgspec.structs.replace(
            first, format="+".join(formats), verdicts=first.verdicts + extra
        )

    def _examination(self, checkpoint: Checkpoint, progress: Progress) -> FileExamination:
        networks = build_networks(checkpoint, self.registry.builders)
        for known in self.configuration.settings.networks:
            if Patterns([known.files], self.configuration.root).match(self.path):
                networks = tuple(n.with_activation(known.activation) for n in networks)
        device = self.configuration.settings.device
        return FileExamination(checkpoint, networks, device, progress)

    def _verdicts(self, examination: FileExamination, outcome: _Outcome) -> Iterator[Verdict]:
        status = examination.checkpoint.status
        applicable = [rule for rule in self.rules if status in rule.statuses]
        needs = (need for rule in applicable for need in rule.needs())
        examination.visit_tensors(
            dict.fromkeys(need for need in needs if isinstance(need, TensorAnalysis))
        )
        silent = list(self.rules)
        for rule in applicable:
            for verdict in _judge(rule, examination, outcome):
                if verdict.outcome is not Outcome.PASS and rule in silent:
                    silent.remove(rule)
                yield self._weighed(rule, verdict)
        if _unread_untold(examination.checkpoint, self.rules):
            yield from _unread(silent, examination.checkpoint)

    def _weighed(self, rule: Rule[Any], verdict: Verdict) -> Verdict:
        """The verdict with the severity that the settings give it."""
        settings = self.configuration.settings
        severity: Severity | None = None
        if settings.strict:
            severity = rule.strict_severity
        configured = settings.rules.get(rule.name, settings.rules.get(rule.code, {}))
        if "severity" in configured:
            severity = Severity(configured["severity"])
        if severity is None or verdict.outcome is not Outcome.FAIL:
            return verdict
        return msgspec.structs.replace(verdict, severity=severity)


def _judge(rule: Rule[Any], examination: FileExamination, outcome: _Outcome) -> Iterator[Verdict]:
    """A rule's verdicts; whatever stops it makes it inconclusive and leaves the others alone."""
    target = Target("file", examination.checkpoint.path.name)
    try:
        yield from rule.check(examination)
    except Unavailable as unavailable:
        yield rule.inconclusive(target, str(unavailable))
    except UsageError:
        raise
    except Exception as error:  # a plugin's rule may raise anything
        reason = f"internal error: {type(error).__name__}: {error}"
        outcome.usage.append(f"{examination.checkpoint.path}: rule {rule.code}: {reason}")
        yield rule.inconclusive(target, reason)


def _unread_untold(checkpoint: Checkpoint, rules: Sequence[Rule[Any]]) -> bool:
    """Whether something could not be read and no selected rule reports that."""
    if checkpoint.status in (Status.LFS_POINTER, Status.NOT_A_CHECKPOINT):
        return not any(checkpoint.status in rule.statuses for rule in rules)
    return bool(checkpoint.faults) and not any(rule.reports_faults for rule in rules)


def _unread(rules: Iterable[Rule[Any]], checkpoint: Checkpoint) -> Iterator[Verdict]:
    """Inconclusive verdicts of rules that would otherwise pass what was not read."""
    reason = checkpoint.faults[0].message if checkpoint.faults else f"status {checkpoint.status}"
    for rule in rules:
        target = Target("file", checkpoint.path.name)
        yield rule.inconclusive(target, f"the file was not wholly read: {reason}")


def _require_device(setting: str) -> None:
    if setting == "cuda":
        from modlint.analysis.numerics.device import choose_device

        choose_device(setting, 0)


def _note_discovery(found: Discovery, outcome: _Outcome) -> None:
    for path in found.missing:
        outcome.usage.append(f"{path}: no such file or folder")
    for path, reason in found.unsearched:
        outcome.skipped.append(f"{path}: folder not searched: {reason}")
    if not found.files and not found.missing:
        outcome.skipped.append("no checkpoint found in the paths given")


def _report(
    files: list[FileReport],
    configuration: Configuration,
    registry: Registry,
    outcome: _Outcome,
    seconds: float,
) -> Report:
    settings = configuration.settings
    summary = Summary.of(files)
    run = Run(
        modlint=__version__,
        plugins=registry.versions,
        torch=version("torch") if outcome.devices else None,
        device=max(outcome.devices, default=None),
        seed=settings.seed,
        seconds=round(seconds, 3),
        settings=_settings_in_report(configuration),
        exit_code=_exit_code(files, configuration, outcome, summary),
        problems=(*outcome.usage, *outcome.skipped),
    )
    return Report(run=run, summary=summary, files=tuple(files))


def _settings_in_report(configuration: Configuration) -> dict[str, Any]:
    """The settings with snake_case keys; those of rules keep the names that users gave."""
    return dict(msgspec.structs.asdict(configuration.settings))


def _exit_code(
    files: Sequence[FileReport],
    configuration: Configuration,
    outcome: _Outcome,
    summary: Summary,
) -> int:
    """0 clean, 1 findings at or above `fail-on`, 2 wrong usage or an internal error."""
    settings = configuration.settings
    if outcome.usage:
        return 2
    if settings.strict:
        unread = any(file.status is Status.NOT_A_CHECKPOINT for file in files)
        if summary.inconclusive or outcome.skipped or unread:
            return 1
    if settings.fail_on == "never":
        return 0
    least = Severity(settings.fail_on).rank
    counts = {"error": summary.error, "warning": summary.warning, "note": summary.note}
    return int(any(count and Severity(name).rank >= least for name, count in counts.items()))
