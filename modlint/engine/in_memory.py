"""The check of a checkpoint that lies in memory, or that somebody else has read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from modlint.analysis.base import FileAnalysis
from modlint.checkpoint import Checkpoint
from modlint.engine.baseline_model import note_baseline, read_baseline
from modlint.engine.check import FileCheck, examine
from modlint.engine.config import Configuration
from modlint.engine.registry import Registry
from modlint.engine.rule_settings import instantiate
from modlint.engine.run import report_of, require_device
from modlint.engine.run_record import RunRecord
from modlint.engine.select import select_rules, validate_selectors
from modlint.errors import UsageError
from modlint.report import FileReport, Report
from modlint.rule import NetworkRule, Rule
from modlint.text import count


def check_read(checkpoint: Checkpoint, configuration: Configuration, registry: Registry) -> Report:
    """Check one checkpoint.

    Rules that judge a file's structure are not run: no byte of a file was searched. The report
    says so.

    Raises:
        UsageError: a selector, a rule's option or the device is wrong, or no selected rule can
            judge what is in memory.
    """
    started = time.perf_counter()
    settings = configuration.settings
    registry.load_all()
    validate_selectors(settings, registry.rules)
    rules = instantiate(registry.rules, settings)
    require_device(settings.device)
    record = RunRecord(skipped=list(registry.problems))
    chosen = select_rules(configuration, registry.rules.values(), checkpoint.path)
    judging = _of_values([rules[rule.code] for rule in chosen], record)
    file = _judged(checkpoint, configuration, registry, judging, record)
    return report_of([file], configuration, registry, record, time.perf_counter() - started)


def _of_values(rules: Sequence[Rule[Any]], record: RunRecord) -> list[Rule[Any]]:
    """Those that judge tensors or networks; what is left out is noted."""
    judging = [rule for rule in rules if _judges_values(rule)]
    if rules and not judging:
        codes = ", ".join(rule.code for rule in rules)
        raise UsageError(
            f"{codes} judge files, not what is in memory: save it, and check the file by its path"
        )
    if len(judging) < len(rules):
        left_out = count(len(rules) - len(judging), "rule that judges", "rules that judge")
        record.notes.append(f"{left_out} files not run: check the saved file by its path")
    return judging


def _judges_values(rule: Rule[Any]) -> bool:
    asks = any(not isinstance(need, FileAnalysis) for need in rule.needs())
    return asks or isinstance(rule, NetworkRule)


def _judged(
    checkpoint: Checkpoint,
    configuration: Configuration,
    registry: Registry,
    rules: Sequence[Rule[Any]],
    record: RunRecord,
) -> FileReport:
    baseline = read_baseline(configuration, registry, record)
    check = FileCheck(checkpoint.path, configuration, registry, rules, baseline)
    examination = examine(checkpoint, configuration, registry, lambda *_: None, baseline)
    verdicts = list(check._verdicts(examination))
    record.errors += (f"{checkpoint.path}: {error}" for error in examination.internal_errors)
    if examination.used_device:
        record.devices.add(examination.used_device)
    note_baseline(baseline, record)
    return FileReport.of(str(checkpoint.path), checkpoint, examination.networks, verdicts)
