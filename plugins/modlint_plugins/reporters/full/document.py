"""The whole document: each file's sections in order, then what the run came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import count
from modlint.verdict import Severity
from modlint_plugins.reporters.full.canvas import SEVERITY_STYLES, Canvas
from modlint_plugins.reporters.full.findings import write_findings
from modlint_plugins.reporters.full.header import write_facts, write_header
from modlint_plugins.reporters.full.null import write_nulls
from modlint_plugins.reporters.full.rows import write_rows
from modlint_plugins.reporters.strings import shown_safely
from modlint_plugins.reporters.told import told
from modlint_plugins.reporters.wording import (
    exit_meaning,
    finding_counts,
    findings,
    statistics,
    uncounted,
)


def write(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the report at the width of `output`, in colour where it takes colour."""
    canvas = Canvas(output)
    safe = shown_safely(told(report, shown), output.encoding)
    if shown.statistics:
        for line in statistics(safe):
            canvas.line(line)
    else:
        _write_files(canvas, safe.files, shown)
    if not shown.quiet:
        _write_footer(canvas, safe, shown)
    canvas.flush()


def _write_files(canvas: Canvas, files: Sequence[FileReport], shown: Shown) -> None:
    """Write the whole of a single file; of several the findings, and all where it is verbose."""
    whole = shown.verbose or (len(files) == 1 and not shown.quiet)
    for file in files:
        if whole:
            _write_whole(canvas, file, shown)
        elif any(findings(file, shown)):
            write_facts(canvas, file)
            write_findings(canvas, file, shown)
            canvas.line()


def _write_whole(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    write_header(canvas, file)
    write_rows(canvas, file, shown)
    write_nulls(canvas, file, shown)
    write_findings(canvas, file, shown)
    canvas.line()


def _write_footer(canvas: Canvas, report: Report, shown: Shown) -> None:
    canvas.rule()
    counts = _counts(report, shown)
    if counts.cell_len > canvas.width:
        counts.plain = counts.plain.replace(" (exit code 1)", "")
    canvas.hanging(Text(), counts)
    if rest := uncounted(report, shown, canvas.width):
        canvas.hanging(Text(), Text(rest, "dim"))


def _counts(report: Report, shown: Shown) -> Text:
    """The counts, each in the colour of what it counts, and what they come to."""
    found = finding_counts(report, shown)
    passed = Text(f"{report.summary.passed:,} passed", "" if found else "bold green")
    counts = [Text(words, SEVERITY_STYLES[severity]) for severity, words in found]
    seconds = Text(f"{report.run.seconds:.1f} s", "dim")
    bad = SEVERITY_STYLES[Severity.ERROR] if report.run.exit_code else "dim"
    result = [Text(text, bad) for text in filter(None, (exit_meaning(report, shown),))]
    if not report.files:
        return Text(" · ").join([Text("no checkpoints found"), *result])
    clean = len(report.files) - sum(any(findings(file, shown)) for file in report.files)
    files = count(len(report.files), "file")
    if 0 < clean < len(report.files):
        files += f", {clean:,} without findings"
    passes = [passed] if report.summary.passed else []
    return Text(" · ").join([Text(files), *counts, *passes, seconds, *result])
