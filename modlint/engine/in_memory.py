"""The check of a checkpoint that lies in memory, or that somebody else has read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from modlint.analysis.base import FileAnalysis
from modlint.checkpoint import Checkpoint
from modlint.engine.check import check_checkpoint
from modlint.engine.plan import CheckPlan, plan_check
from modlint.engine.registry import Registry
from modlint.engine.run import report_of
from modlint.engine.run_record import RunRecord
from modlint.errors import UsageError
from modlint.report import Report
from modlint.rule import Rule
from modlint.scopes import LayerRule, NetworkRule
from modlint.settings.config import Configuration
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
    plan = plan_check(configuration, registry)
    record = RunRecord(skipped=list(registry.problems))
    judging = _of_values(plan, checkpoint.path, record)
    outcome = check_checkpoint(checkpoint, replace(plan, rules=judging))
    record.errors += plan.errors
    record.merge(outcome.errors, outcome.notes, outcome.devices, torch=outcome.torch)
    return report_of([outcome.report], plan, record, time.perf_counter() - started)


def _of_values(plan: CheckPlan, path: Path, record: RunRecord) -> Mapping[str, Rule[Any]]:
    """Those that judge tensors or networks, by code; what is left out is noted."""
    rules = plan.rules_for(path)
    judging = {rule.code: rule for rule in rules if _judges_values(rule)}
    if rules and not judging:
        codes = ", ".join(rule.code for rule in rules)
        verb = "judges" if len(rules) == 1 else "judge"
        raise UsageError(
            f"{codes} {verb} files, not what is in memory: save it, and check the file by its path"
        )
    if len(judging) < len(rules):
        left_out = count(len(rules) - len(judging), "rule that judges", "rules that judge")
        record.notes.append(f"{left_out} files not run: check the saved file by its path")
    return judging


def _judges_values(rule: Rule[Any]) -> bool:
    asks = any(not isinstance(need, FileAnalysis) for need in rule.needs())
    return asks or isinstance(rule, (LayerRule, NetworkRule))
