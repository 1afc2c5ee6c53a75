"""`csv`: a row for each verdict, for spreadsheets."""

from __future__ import annotations

import csv
import re
from typing import TextIO

from modlint.report import Report
from modlint.reporter import Shown
from modlint.text import printable
from modlint_plugins.reporters.findings import LIMIT

COLUMNS = (
    "path", "format", "rule", "name", "outcome", "severity", "confidence", "persona",
    "target_kind", "target", "network", "member", "offset", "message", "help", "reason",
    "baselined", "fingerprint",
)  # fmt: skip
_FORMULA = re.compile(r"(^|;)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a formula begins, also in a spreadsheet that separates by semicolons, in narrow or wide
signs. Source: OWASP, "CSV Injection"."""


def write(report: Report, output: TextIO, shown: Shown) -> None:  # noqa: ARG001
    """Write a heading and a row for each verdict of every persona.

    No cell begins as a spreadsheet's formula does.
    """
    rows = csv.writer(output, lineterminator="\n")
    rows.writerow(COLUMNS)
    for file in report.files:
        for v in file.verdicts:
            target = v.target
            cells = (
                file.path, file.format, v.rule, v.name, v.outcome, v.severity, v.confidence,
                v.persona, target.kind, target.name, target.network, target.member,
                target.offset, v.message, v.help, v.reason, v.baselined, v.fingerprint,
            )  # fmt: skip
            rows.writerow([_cell(cell) for cell in cells])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = printable(str(value), LIMIT)
    return _FORMULA.sub(r"\1'", text)
