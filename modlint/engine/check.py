"""The check of one file: pure, so that whatever runs many files can wrap this one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from modlint.analysis.base import Progress
from modlint.checkpoint import Checkpoint, Status
from modlint.drawings import Drawings
from modlint.engine.completeness import closed, is_idle
from modlint.engine.draw import networks_of, tensors_of
from modlint.engine.examine import FileExamination, RuleExamination, tensor_analyses
from modlint.engine.load import load
from modlint.engine.plan import CheckPlan
from modlint.errors import Unavailable, UsageError
from modlint.file_names import is_code, is_companion, is_requirements, promises_checkpoint
from modlint.report import FileReport
from modlint.rule import Rule
from modlint.settings.deep import within
from modlint.targets import whole_file
from modlint.verdict import Outcome, Severity, Verdict


class FileOutcome(Struct, frozen=True):
    """What the check of one file gives; whoever checks many merges their outcomes.

    Attributes:
        report: the file's report.
        errors: internal errors.
        notes: internal errors of what only the output shows: they fail nothing.
        devices: types of the devices that computed.
        torch: whether torch computed anything.
        idle: whether the file holds nothing that was worth checking, and no rule says more of it
            than that.
    """

    report: FileReport
    errors: tuple[str, ...]
    notes: tuple[str, ...]
    devices: frozenset[str]
    torch: bool
    idle: bool


def silent(what: str, done: int, total: int) -> None:
    """Progress that tells nobody."""


def check_file(path: Path, plan: CheckPlan, progress: Progress = silent) -> FileOutcome:
    """Check a file as each container that it claims to be; never raises for what is in it."""
    checkpoints = load(path, plan.registry.readers, plan.registry.sweeps)
    return _check(path, checkpoints, plan, progress)


def unchecked(path: Path, plan: CheckPlan, nbytes: int, reason: str) -> FileOutcome:
    """What there is to say of a file whose check was ended from outside: no rule can tell."""
    checkpoint = Checkpoint(path, "unknown", nbytes, Status.UNREADABLE)
    target = whole_file(checkpoint)
    rules = plan.rules_for(path)
    verdicts = [rule.inconclusive(target, f"internal error: {reason}") for rule in rules]
    report = FileReport.of(str(path), checkpoint, (), sorted(verdicts, key=lambda v: v.rule))
    error = f"{path}: internal error: {reason}"
    return FileOutcome(report, (error,), (), frozenset(), torch=False, idle=False)


def check_checkpoint(
    checkpoint: Checkpoint, plan: CheckPlan, progress: Progress = silent
) -> FileOutcome:
    """Check what lies in memory, or was read elsewhere."""
    return _check(checkpoint.path, (checkpoint,), plan, progress)


def _check(
    path: Path, checkpoints: Sequence[Checkpoint], plan: CheckPlan, progress: Progress
) -> FileOutcome:
    rules = plan.rules_for(path)
    reports, errors, notes = [], [], []
    devices, torch, idle = set[str](), False, True
    for checkpoint in checkpoints:
        examination = plan.examination(checkpoint, progress)
        verdicts = list(_verdicts(examination, rules, plan))
        portrayed, drawn, portrayal_errors = _portrayals(examination, path, plan)
        verdicts = sorted((*verdicts, *portrayed), key=lambda verdict: verdict.rule)
        notes += [f"{path}: {error}" for error in portrayal_errors]
        if plan.closed:
            verdicts = closed(verdicts, checkpoint, rules)
        told = any(_tells(verdict, path, rules, closed=plan.closed) for verdict in verdicts)
        idle = idle and is_idle(checkpoint) and not told
        networks = examination.known_networks
        reports.append(FileReport.of(str(path), checkpoint, networks, verdicts, drawn))
        errors += [f"{path}: {error}" for error in examination.internal_errors]
        reference = _examined(examination)
        if reference is not None:
            name = reference.checkpoint.path
            errors += [f"baseline model {name}: {error}" for error in reference.internal_errors]
        examined = [e for e in (examination, reference) if e is not None]
        devices |= {e.used_device for e in examined if e.used_device is not None}
        torch |= any(e.used_torch for e in examined)
    report = FileReport.merged(reports)
    return FileOutcome(report, tuple(errors), tuple(notes), frozenset(devices), torch, idle)


def _verdicts(
    examination: FileExamination, rules: Sequence[Rule[Any]], plan: CheckPlan
) -> Iterator[Verdict]:
    status = examination.checkpoint.status
    applicable = [rule for rule in rules if status in rule.statuses]
    alone = [rule for rule in applicable if rule.needs_reference and plan.reference is None]
    running = [rule for rule in applicable if rule not in alone]
    examination.selected = frozenset(rule.code for rule in running)
    examination.visit_tensors(tensor_analyses(_needs(running)))
    reference = _examined(examination)
    if reference is not None:
        comparing = [rule for rule in applicable if rule.needs_reference]
        reference.visit_tensors(tensor_analyses(_needs(comparing)))
    compares = plan.reference is not None
    passing = [rule for rule in rules if compares or not rule.needs_reference]
    for rule in applicable:
        judged = [_alone(rule, examination)] if rule in alone else _judge(rule, examination)
        for verdict in judged:
            if verdict.outcome is not Outcome.PASS and rule in passing:
                passing.remove(rule)
            yield _weighed(verdict, rule, strict=plan.configuration.settings.strict)
    if _unread_untold(examination.checkpoint, rules):
        yield from _unread(passing, examination.checkpoint)


def _portrayals(
    examination: FileExamination, path: Path, plan: CheckPlan
) -> tuple[list[Verdict], Drawings | None, list[str]]:
    """What rules measure that nobody asked for, what is drawn, and what went wrong in them."""
    rules = plan.portrayed_for(path)
    draws = plan.configuration.draws and not plan.structure_only
    if not (rules or draws) or examination.checkpoint.status is not Status.CHECKED:
        return [], None, []
    progress, errors = examination.progress, examination.internal_errors
    budget = plan.configuration.settings.budget
    examination.progress = within(budget, progress)
    examination.internal_errors = []
    drawn = [tensors_of(examination)] if draws else []
    examination.progress = within(budget, progress)
    examination.visit_tensors(tensor_analyses(_needs(rules)))
    verdicts = [verdict for rule in rules for verdict in _judge(rule, examination)]
    drawn += [networks_of(examination)] if draws else []
    wrong = examination.internal_errors
    examination.progress, examination.internal_errors = progress, errors
    return verdicts, Drawings.merged(drawn) if draws else None, wrong


def _alone(rule: Rule[Any], examination: FileExamination) -> Verdict:
    """What a rule says that compares, where there is nothing to compare with."""
    target = whole_file(examination.checkpoint)
    return rule.not_applicable(target, "no checkpoint to compare with: --baseline-model names one")


def _examined(examination: FileExamination) -> FileExamination | None:
    """What the file is compared with, if it could be read."""
    try:
        return examination.reference
    except Unavailable:
        return None


def _needs(rules: Iterable[Rule[Any]]) -> Iterator[Any]:
    return (need for rule in rules for need in rule.needs())


def _tells(verdict: Verdict, path: Path, rules: Sequence[Rule[Any]], *, closed: bool) -> bool:
    """Whether a verdict says more than that the file is no checkpoint that is read."""
    if verdict.outcome is not Outcome.FAIL:
        return False
    if verdict.rule in {rule.code for rule in rules if rule.reports_faults}:
        return closed and verdict.severity is Severity.ERROR
    known = closed or is_companion(path) or is_code(path) or is_requirements(path)
    return known or promises_checkpoint(path) or verdict.severity is Severity.ERROR


def _weighed(verdict: Verdict, rule: Rule[Any], *, strict: bool) -> Verdict:
    """The verdict with the severity that the settings give it."""
    stricter = rule.strict_severity if strict and verdict.outcome is Outcome.FAIL else None
    severity = rule.configured_severity or stricter
    if severity is None:
        return verdict
    if verdict.outcome is Outcome.FAIL:
        severity = rule.weigh(verdict, severity)
    return msgspec.structs.replace(verdict, severity=severity)


def _judge(rule: Rule[Any], examination: FileExamination) -> Iterator[Verdict]:
    """A rule's verdicts; whatever stops it makes it inconclusive and leaves the others alone."""
    target = whole_file(examination.checkpoint)
    try:
        examination.progress(f"{rule.code} {rule.name}", 0, 0)
        asked = RuleExamination(examination, f"rule {rule.code}", frozenset(rule.needs()))
        yield from rule.check(asked)
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
        target = whole_file(checkpoint)
        yield rule.inconclusive(target, f"the file was not wholly read: {reason}")
