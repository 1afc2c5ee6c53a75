"""What callbacks do with a checkpoint that was just saved."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import modlint
from modlint.integrations.wording import as_text
from modlint.report import FindingsError, Report
from modlint.verdict import Outcome, Severity, Verdict

LOGGER = logging.getLogger("modlint")
NON_FINITE = "NUM001"

_PROFILE = "training"
_COUNTED = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


class SavedCheckpoints:
    """Checks each checkpoint that training saves.

    Args:
        settings: those of `modlint.check`; without `select` the rules of the profile `training`.
        stop_on_non_finite: whether weights that are NaN or infinite end the training.

    Raises:
        TypeError, ValueError: a setting is unknown or wrong.
    """

    def __init__(self, settings: Mapping[str, Any], *, stop_on_non_finite: bool) -> None:
        from modlint.api.keywords import configuration_of

        chosen = dict(settings)
        if not {"select", "config"} & chosen.keys():
            chosen["select"] = _PROFILE
        configuration_of(chosen)  # what is wrong is said before the training, not after
        self.settings, self.stop_on_non_finite = chosen, stop_on_non_finite

    def check(self, path: Path) -> Report:
        """Check a file or folder, and log what is found.

        Raises:
            FindingsError: weights in it are not finite, and that is to end the training.
        """
        report = modlint.check(path, **self.settings)
        if report.findings or not report.ok:
            LOGGER.warning("%s", as_text(report))
        else:
            LOGGER.info("%s: nothing found", path)
        if self.stop_on_non_finite:
            self._stop(path, report)
        return report

    def _stop(self, path: Path, report: Report) -> None:
        judged = report if _weighs_non_finite(report) else modlint.check(path, select=NON_FINITE)
        broken = [verdict for verdict in judged.findings if _is_non_finite(verdict)]
        if broken:
            first = broken[0]
            where = f"{path}: {first.target.name}: {first.message}"
            others = f", and {len(broken) - 1:,} more tensors" if len(broken) > 1 else ""
            raise FindingsError(
                f"training stopped: weights are not finite: {where}{others}", judged
            )


def counts(report: Report) -> dict[str, float]:
    """Findings by severity, as metrics."""
    severities = [finding.severity for finding in report.findings]
    return {f"modlint/{s.value}s": float(severities.count(s)) for s in _COUNTED}


def _weighs_non_finite(report: Report) -> bool:
    """Whether the run had the rule, and weights that are not finite as errors."""
    return any(r.code == NON_FINITE and r.severity is Severity.ERROR for r in report.rules)


def _is_non_finite(verdict: Verdict) -> bool:
    """Whether it is about weights: in training state NUM001 is a warning."""
    failed = verdict.rule == NON_FINITE and verdict.outcome is Outcome.FAIL
    return failed and verdict.severity is Severity.ERROR
