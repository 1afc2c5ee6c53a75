"""Findings: where, why, and what to do."""

from __future__ import annotations

from itertools import groupby

from rich.text import Text

from modlint.report import FileReport
from modlint.reporter import Shown
from modlint.verdict import Confidence, Verdict
from modlint_plugins.reporters.full.canvas import SEVERITY_STYLES, Canvas
from modlint_plugins.reporters.full.measure import strain
from modlint_plugins.reporters.wording import findings, where

FINDINGS_SHOWN, NETWORKS_SHOWN = 20, 3
"""Findings of one rule in one file that are written out; of those on whole networks."""


def write_findings(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    """Write the findings of a file, the worst first, those that need the same help together."""
    ordered = sorted(findings(file, shown), key=lambda v: (-v.severity.rank, v.rule))
    for _, group in groupby(ordered, key=lambda v: v.rule):
        verdicts = sorted(group, key=_gravity)
        most = NETWORKS_SHOWN if _is_on_network(verdicts[-1]) else FINDINGS_SHOWN
        for _, alike in groupby(verdicts[:most], key=_heading):
            _write_alike(canvas, list(alike), len(file.networks))
        if len(verdicts) > most:
            more = len(verdicts) - most
            canvas.line(f"    … and {more:,} more (see --output-format json)")


def _gravity(verdict: Verdict) -> tuple[int, float]:
    """Sorts by severity; networks by how far they are beyond the limit, all else as it came."""
    return -verdict.severity.rank, -strain(verdict) if _is_on_network(verdict) else 0.0


def _is_on_network(verdict: Verdict) -> bool:
    return verdict.target.kind == "network"


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
