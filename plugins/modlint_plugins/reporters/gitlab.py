"""`gitlab`: a code quality report.

Source: GitLab Docs, "Code Quality", "Implement a custom tool".
"""

from __future__ import annotations

from typing import Any, TextIO

import msgspec

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import json_safe, printable
from modlint.verdict import Severity, Verdict
from modlint_plugins.reporters.findings import (
    advice,
    each_finding,
    failed,
    relative,
    repeated,
    sentence,
)

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "minor"}


def write(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the array."""
    found = [(f, v) for f, v in each_finding(report) if failed(v) and v in shown]
    issues = [_issue(f, v, n) for (f, v), n in zip(found, repeated(found), strict=True)]
    text = msgspec.json.format(msgspec.json.encode(issues), indent=2).decode()
    output.write(json_safe(text) + "\n")


def _issue(file: FileReport, verdict: Verdict, number: int) -> dict[str, Any]:
    cure = advice(verdict)
    return {
        "description": f"{verdict.rule} {sentence(verdict)}" + (f" ({cure})" if cure else ""),
        "check_name": verdict.rule,
        "fingerprint": verdict.fingerprint + (f"-{number}" if number > 1 else ""),
        "severity": _SEVERITIES[verdict.severity],
        "location": {"path": relative(printable(file.path)), "lines": {"begin": 1}},
    }
