"""`concise`: one line per finding, for editors, hooks and pipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import count, encodable, printable
from modlint.verdict import Target, Verdict
from modlint_plugins.reporters.strings import shown_safely
from modlint_plugins.reporters.wording import (
    exit_meaning,
    findings,
    hidden,
    hidden_note,
    inconclusive_rules,
    outcome_counts,
)

NAME_LIMIT, MESSAGE_LIMIT = 60, 160


class ConciseReporter:
    """``path:member@offset: CODE severity message [name]``, sorted by path."""

    name = "concise"
    description = "one line per finding, for editors, hooks and pipes"

    def write(self, report: Report, output: TextIO, shown: Shown) -> None:
        """Write the findings, then what the run came to."""
        report = shown_safely(report, output.encoding)
        for line in (*_finding_lines(report, shown), *_closing_lines(report, shown)):
            output.write(encodable(line, output.encoding) + "\n")


def _finding_lines(report: Report, shown: Shown) -> Iterator[str]:
    for file in sorted(report.files, key=lambda file: file.path):
        for verdict in findings(file, shown):
            what = f"{verdict.rule} {verdict.severity} {_message(verdict, file)}"
            yield f"{_location(file.path, verdict.target)}: {what} [{verdict.name}]"


def _location(path: str, target: Target) -> str:
    member = target.name if target.kind == "member" else target.member
    place = path if member is None else f"{path}:{printable(member, NAME_LIMIT)}"
    return place if target.offset is None else f"{place}@{target.offset}"


def _message(verdict: Verdict, file: FileReport) -> str:
    """The message, led by the place's name where the message does not say it."""
    target, message = verdict.target, printable(verdict.message, MESSAGE_LIMIT)
    evident = target.kind in ("file", "member") or target.name in verdict.message
    if evident or (target.kind == "network" and len(file.networks) < 2):
        return message
    return f"{printable(target.name, NAME_LIMIT)}: {message}"


def _closing_lines(report: Report, shown: Shown) -> Iterator[str]:
    if rules := inconclusive_rules(report):
        amount = report.summary.inconclusive
        yield f"{amount:,} inconclusive ({', '.join(rules)}): --output-format full says why"
    if amount := hidden(report, shown):
        yield hidden_note(amount)
    yield _summary(report)


def _summary(report: Report) -> str:
    files = count(report.summary.files, "file")
    counts = [words for _, words in outcome_counts(report.summary)]
    if not report.files:
        result = "no checkpoints found"
    elif counts:
        result = f"{', '.join([*counts, f'{report.summary.passed:,} passed'])} in {files}"
    else:
        result = f"no findings in {files}: {count(report.summary.passed, 'check')} passed"
    return "; ".join(filter(None, (result, exit_meaning(report))))
