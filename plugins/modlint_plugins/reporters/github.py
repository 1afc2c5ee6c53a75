"""`github`: annotations of a GitHub workflow, the worst first, and the summary of its job.

Source: GitHub Docs, "Workflow commands for GitHub Actions". A step shows ten annotations of a kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import printable
from modlint.verdict import Severity, Verdict
from modlint_plugins.reporters import markdown
from modlint_plugins.reporters.findings import advice, relative, sentence
from modlint_plugins.reporters.told import told
from modlint_plugins.reporters.wording import exit_meaning, finding_counts, findings, nothing_found

SHOWN = 10
"""Annotations of a kind that a step shows."""
SUMMARY = "GITHUB_STEP_SUMMARY"
MOST_SUMMARY = 1_000_000
"""Bytes of the summary; GitHub drops one of more than 1 MiB."""

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def write(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the annotations, and append to the file that `GITHUB_STEP_SUMMARY` names."""
    for line in _lines(told(report, shown), shown):
        output.write(line.encode("ascii", "backslashreplace").decode() + "\n")
    summary = os.environ.get(SUMMARY)
    if summary:
        _append(Path(summary), report, shown)


def _lines(report: Report, shown: Shown) -> Iterator[str]:
    found = [(file, verdict) for file in report.files for verdict in findings(file, shown)]
    found.sort(key=lambda each: -each[1].severity.rank)
    left = dict.fromkeys(_COMMANDS.values(), SHOWN) | {"notice": SHOWN}
    hidden = 0
    for file, verdict in found:
        command = _COMMANDS.get(verdict.severity, "notice")
        left[command] -= 1
        hidden += left[command] < 0
        if left[command] >= 0:
            yield _command(command, file, verdict)
    counts = ", ".join(words for _, words in finding_counts(report, shown))
    more = f", {hidden:,} of them in the job's summary alone" if hidden else ""
    result = f"modlint: {counts or nothing_found(report, shown)}{more}"
    yield _data("; ".join(filter(None, (result, exit_meaning(report, shown)))))


def _command(command: str, file: FileReport, verdict: Verdict) -> str:
    path, title = (
        _property(relative(printable(file.path))),
        _property(f"{verdict.rule} {verdict.name}"),
    )
    cure = advice(verdict)
    message = sentence(verdict) + (f"\n{cure}" if cure else "")
    return f"::{command} file={path},title={title}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _append(path: Path, report: Report, shown: Shown) -> None:
    """Append the report as Markdown, where it still fits."""
    with path.open("a", encoding="utf-8") as summary:
        markdown.write(report, summary, shown, MOST_SUMMARY - summary.tell())
