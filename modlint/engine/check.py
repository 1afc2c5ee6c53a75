"""The check of one file: read it, run the rules that were selected for it, gather verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from modlint.analysis.base import Progress, TensorAnalysis
from modlint.checkpoint import Checkpoint, Status
from modlint.engine.completeness import closed, is_idle
from modlint.engine.config import Configuration
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load
from modlint.engine.registry import Registry
from modlint.engine.run_record import RunRecord
from modlint.engine.select import Patterns, is_closed
from modlint.errors import Unavailable, UsageError
from modlint.file_names import is_code, is_companion, promises_checkpoint
from modlint.report import FileReport
from modlint.rule import Rule
from modlint.verdict import Outcome, Severity, Target, Verdict

Baseline = FileExamination | Unavailable | None
"""What files are compared with, why it cannot be read, or nothing."""


def examine(
    checkpoint: Checkpoint,
    configuration: Configuration,
    registry: Registry,
    progress: Progress,
    baseline: Baseline = None,
) -> FileExamination:
    """Begin the examination of what was read from a file: rebuild its networks."""
    errors: list[str] = []
    networks = build_networks(checkpoint, registry.builders, errors)
    for known in configuration.settings.networks:
        if Patterns([known.files], configuration.root).match(checkpoint.path):
            networks = tuple(n.with_activation(known.activation) for n in networks)
    device = configuration.settings.device
    return FileExamination(
        checkpoint, networks, device, progress, errors, baseline, registry.computing
    )


class FileCheck:
    """The check of one file with the rules that were selected for it.

    Rules that need a baseline are not run where there is none: they have nothing to say.

    Attributes:
        idle: after the check, whether the file holds nothing that was worth checking, and no
            rule says more of it than that.
    """

    def __init__(
        self,
        path: Path,
        configuration: Configuration,
        registry: Registry,
        rules: Sequence[Rule[Any]],
        baseline: Baseline = None,
    ) -> None:
        self.path = path
        self.configuration = configuration
        self.registry = registry
        self.baseline = baseline
        self.rules = [rule for rule in rules if baseline is not None or not rule.needs_baseline]
        self.closed = is_closed(configuration.settings, registry.rules.values())
        self.idle = True

    def report(self, progress: Progress, record: RunRecord) -> FileReport:
        """Examine the file as each container that it claims to be."""
        reports = []
        for checkpoint in load(self.path, self.registry.readers, self.registry.sweeps):
            examination = examine(
                checkpoint, self.configuration, self.registry, progress, self.baseline
            )
            verdicts = list(self._verdicts(examination))
            if self.closed:
                verdicts = closed(verdicts, checkpoint, self.rules)
            self.idle &= is_idle(checkpoint) and not any(map(self._tells, verdicts))
            networks = examination.networks
            reports.append(FileReport.of(str(self.path), checkpoint, networks, verdicts))
            record.errors += (f"{self.path}: {error}" for error in examination.internal_errors)
            if examination.used_device:
                record.devices.add(examination.used_device)
        return FileReport.merged(reports)

    def _verdicts(self, examination: FileExamination) -> Iterator[Verdict]:
        status = examination.checkpoint.status
        applicable = [rule for rule in self.rules if status in rule.statuses]
        examination.visit_tensors(_of_tensors(applicable))
        if isinstance(self.baseline, FileExamination):
            self.baseline.progress = _of_baseline(examination.progress)
            comparing = [rule for rule in applicable if rule.needs_baseline]
            self.baseline.visit_tensors(_of_tensors(comparing))
        silent = list(self.rules)
        for rule in applicable:
            for verdict in _judge(rule, examination):
                if verdict.outcome is not Outcome.PASS and rule in silent:
                    silent.remove(rule)
                yield self._weighed(rule, verdict)
        if _unread_untold(examination.checkpoint, self.rules):
            yield from _unread(silent, examination.checkpoint)

    def _tells(self, verdict: Verdict) -> bool:
        """Whether a verdict says more than that the file is no checkpoint that is read."""
        if verdict.outcome is not Outcome.FAIL:
            return False
        if verdict.rule in {rule.code for rule in self.rules if rule.reports_faults}:
            return self.closed and verdict.severity is Severity.ERROR
        known = self.closed or is_companion(self.path) or is_code(self.path)
        return known or promises_checkpoint(self.path) or verdict.severity is Severity.ERROR

    def _weighed(self, rule: Rule[Any], verdict: Verdict) -> Verdict:
        """The verdict with the severity that the settings give it."""
        strict = rule.strict_severity if self.configuration.settings.strict else None
        severity = rule.configured_severity or strict
        if severity is None or verdict.outcome is not Outcome.FAIL:
            return verdict
        return msgspec.structs.replace(verdict, severity=rule.weigh(verdict, severity))


def _of_tensors(rules: Iterable[Rule[Any]]) -> list[TensorAnalysis[Any]]:
    """The tensor analyses that rules need, each once."""
    needs = (need for rule in rules for need in rule.needs())
    return list(dict.fromkeys(need for need in needs if isinstance(need, TensorAnalysis)))


def _of_baseline(progress: Progress) -> Progress:
    """The progress of a file, said of the baseline's share in it."""
    return lambda what, done, total: progress(f"baseline, {what}", done, total)


def _judge(rule: Rule[Any], examination: FileExamination) -> Iterator[Verdict]:
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
        examination.internal_errors.append(f"rule {rule.code}: {reason}")
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
