"""`concise`: one line per finding, for editors, hooks and pipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import count, encodable, printable, wants_colour
from modlint.verdict import Outcome, Severity, Target, Verdict
from modlint_plugins.reporters.folding import Line, folded
from modlint_plugins.reporters.shortened import shortened
from modlint_plugins.reporters.strings import shown_safely
from modlint_plugins.reporters.told import told
from modlint_plugins.reporters.wording import (
    exit_meaning,
    finding_counts,
    findings,
    nothing_found,
    plural_of,
    statistics,
    uncounted,
)

NAME_LIMIT, MESSAGE_LIMIT, LINE = 60, 160, 120
OUTCOMES = {"pass": "passed", "inconclusive": "inconclusive", "not-applicable": "not applicable"}
_COLOURS = {
    Severity.ERROR: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;35m",
    Severity.NOTE: "\x1b[1;36m",
    Severity.INFORMATION: "\x1b[36m",
}
"""As `full` has them, by the terminal's codes: no line is wrapped, so nothing is to be measured."""


def write(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the findings, then what the run came to."""
    report = shown_safely(told(report, shown), output.encoding)
    for line in _lines(report, shown, colour=output.isatty() and wants_colour(output)):
        output.write(encodable(line, output.encoding) + "\n")


def _lines(report: Report, shown: Shown, *, colour: bool) -> Iterator[str]:
    if shown.statistics:
        yield from statistics(report)
    else:
        yield from _finding_lines(report, shown, colour=colour)
    if shown.verbose:
        yield from _other_lines(report)
    if not shown.quiet:
        yield from _closing_lines(report, shown)


def _finding_lines(report: Report, shown: Shown, *, colour: bool) -> Iterator[str]:
    files = sorted(report.files, key=lambda file: file.path)
    lines = [Line(file, (verdict,)) for file in files for verdict in findings(file, shown)]
    for line in lines if shown.verbose else folded(lines):
        verdict = line.verdicts[0]
        lead = f"{verdict.rule} {verdict.severity}"
        if colour:
            lead = f"{_COLOURS[verdict.severity]}{lead}\x1b[0m"
        what = f"{lead} {_message(verdict, line.file)}{line.others()}"
        yield f"{_location(line.file.path, verdict.target)}: {what} [{verdict.name}]"


def _location(path: str, target: Target) -> str:
    member = target.name if target.kind == "member" else target.member
    place = path if member is None else f"{path}:{printable(member, NAME_LIMIT)}"
    return place if target.offset is None else f"{place}@{target.offset}"


def _message(verdict: Verdict, file: FileReport) -> str:
    """The message, led by the place's name where the message does not say it."""
    target, message = verdict.target, shortened(verdict.message, MESSAGE_LIMIT)
    number = target.name.isdecimal() and target.kind != "network"  # a layer "0" is no count of 0
    told = target.name in verdict.message and not number
    evident = told or target.kind in ("file", "member")
    if evident or (target.kind == "network" and len(file.networks) < 2):
        return message
    return f"{printable(target.name, NAME_LIMIT)}: {message}"


def _other_lines(report: Report) -> Iterator[str]:
    """What was not reached, does not apply and passed: those of one rule and reason together."""
    for file in sorted(report.files, key=lambda file: file.path):
        groups: dict[tuple[str, ...], list[Verdict]] = {}
        for verdict in file.verdicts:
            if verdict.outcome is Outcome.PASS:
                groups.setdefault((verdict.outcome, verdict.rule), []).append(verdict)
            elif verdict.outcome is not Outcome.FAIL:
                groups.setdefault((verdict.outcome, verdict.reason or ""), []).append(verdict)
        for (outcome, why), verdicts in sorted(groups.items()):
            rules = ", ".join(dict.fromkeys(verdict.rule for verdict in verdicts))
            if outcome != Outcome.PASS:
                why = shortened(why, MESSAGE_LIMIT)
            elif len(verdicts) == 1:
                why = _message(verdicts[0], file)
            else:
                why = f"{len(verdicts):,} {plural_of(verdicts)}"
            yield f"{file.path}: {rules} {OUTCOMES[outcome]}: {why}"


def _closing_lines(report: Report, shown: Shown) -> Iterator[str]:
    """What is not shown in full, and what the run came to: in one line where they are short."""
    result, rest = _summary(report, shown), uncounted(report, shown, LINE)
    if rest and len(result) + len(rest) < LINE:
        yield f"{result}; {rest}"
    else:
        yield from filter(None, (rest, result))


def _summary(report: Report, shown: Shown) -> str:
    if not report.files:
        return "; ".join(filter(None, ("no checkpoints found", exit_meaning(report, shown))))
    files = count(report.summary.files, "file")
    passed = report.summary.passed
    counts = [words for _, words in finding_counts(report, shown)]
    if counts:
        counts += [f"{passed:,} passed"] if passed else []
        result = f"{', '.join(counts)} in {files}"
    else:
        result = f"{nothing_found(report, shown)} in {files}: {count(passed, 'check')} passed"
    return "; ".join(filter(None, (result, exit_meaning(report, shown))))
