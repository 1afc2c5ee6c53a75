"""Findings: where, why, and what to do."""

from __future__ import annotations

from itertools import groupby

from rich.text import Text

from modlint.report import FileReport
from modlint.reporter import Shown
from modlint.verdict import Confidence, Verdict
from modlint_plugins.reporters.full.canvas import SEVERITY_STYLES, Canvas
from modlint_plugins.reporters.wording import findings, where

FINDINGS_SHOWN = 20
"""Findings of one rule in one file that are written out."""


def write_findings(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    """Write the findings of a file, the worst first, those that need the same help together."""
    ordered = sorted(findings(file, shown), key=lambda v: (-v.severity.rank, v.rule))
    for _, group in groupby(ordered, key=lambda v: v.rule):
        verdicts = list(group)
        for _, alike in groupby(verdicts[:FINDINGS_SHOWN], key=_heading):
            _write_alike(canvas, list(alike), len(file.networks))
        if len(verdicts) > FINDINGS_SHOWN:
            more = len(verdicts) - FINDINGS_SHOWN
            canvas.line(f"    … and {more:,} more (see --output-format json)")


def _heading(verdict: Verdict) -> tuple[object, ...]:
    return verdict.severity, verdict.confidence, verdict.help


def _write_alike(canvas: Canvas, verdicts: list[Verdict], networks: int) -> None:
    first = verdicts[0]
    heading = Text.assemble(
        "  ", (first.severity, SEVERITY_STYLES[first.severity]), " ", (first.rule, "bold"), " "
    )
    heading.append(first.name, "bold")
    if first.confidence is not Confidence.HIGH:
        heading.append(f" ({first.confidence} confidence)", "dim")
    canvas.line()
    canvas.line(heading)
    for verdict in verdicts:
        if place := where(verdict.target, networks):
            canvas.field("where", Text(place))
        canvas.field("why", Text(verdict.message))
    if first.help:
        canvas.field("help", Text(first.help))
