"""The whole document: each file's sections in order, then what the run came to."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import count
from modlint.verdict import Outcome, Severity
from modlint_plugins.reporters.full.canvas import OUTCOME_STYLES, SEVERITY_STYLES, Canvas
from modlint_plugins.reporters.full.findings import write_findings
from modlint_plugins.reporters.full.header import write_header
from modlint_plugins.reporters.full.null import write_nulls
from modlint_plugins.reporters.full.rows import write_rows
from modlint_plugins.reporters.strings import shown_safely
from modlint_plugins.reporters.wording import exit_meaning, hidden, hidden_note, outcome_counts

COUNT_STYLES = {
    **{str(severity): style for severity, style in SEVERITY_STYLES.items()},
    "inconclusive": OUTCOME_STYLES[Outcome.INCONCLUSIVE],
}


def write_document(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the report to `output`."""
    canvas = Canvas(output)
    safe = shown_safely(report, output.encoding)
    for file in safe.files:
        _write_file(canvas, file, shown)
    _write_footer(canvas, safe, shown)
    canvas.flush()


def _write_file(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    write_header(canvas, file)
    write_rows(canvas, file, shown)
    write_nulls(canvas, file, shown)
    write_findings(canvas, file, shown)
    canvas.line()


def _write_footer(canvas: Canvas, report: Report, shown: Shown) -> None:
    canvas.rule()
    canvas.line(_counts(report))
    if amount := hidden(report, shown):
        canvas.line(Text(hidden_note(amount), "dim"))
    if meaning := exit_meaning(report):
        style = SEVERITY_STYLES[Severity.ERROR] if report.run.exit_code else "dim"
        canvas.hanging(Text(), Text(meaning, style))


def _counts(report: Report) -> Text:
    """The counts on one line, each in the colour of what it counts."""
    if not report.files:
        return Text("no checkpoints found")
    summary = report.summary
    passed = Text(f"{summary.passed:,} passed")
    if not summary.error + summary.warning + summary.note + summary.inconclusive:
        passed.stylize("bold green")
    counts = [Text(text, COUNT_STYLES.get(name, "")) for name, text in outcome_counts(summary)]
    seconds = Text(f"{report.run.seconds:.1f} s", "dim")
    return Text(" · ").join([Text(count(summary.files, "file")), passed, *counts, seconds])
