"""Findings: where, why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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

ROW = 4
"""Layers alike that are told together."""


def write_findings(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    """Write the findings of a file, the worst first, those that need the same help together."""
    ordered = sorted(findings(file, shown), key=lambda v: (-v.severity.rank, v.rule))
    for _, group in groupby(ordered, key=lambda v: v.rule):
        verdicts = sorted(group, key=_gravity)
        most = NETWORKS_SHOWN if _is_on_network(verdicts[-1]) else FINDINGS_SHOWN
        rows = _rows_of_layers(verdicts)
        for _, alike in groupby(rows[:most], key=lambda row: _heading(row[0])):
            _write_alike(canvas, list(alike), len(file.networks))
        if left := sum(map(len, rows[most:])):
            canvas.line(f"    … and {left:,} more (see --output-format json)")


def _rows_of_layers(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """The findings, those together that differ in numbers alone, as a row of layers does.

    Few of them, and those on networks, are worth a line each.
    """
    rows: dict[tuple[object, ...], list[Verdict]] = {}
    for number, verdict in enumerate(verdicts):
        alone = number if _is_on_network(verdict) or verdict.target.offset is not None else None
        pattern = re.sub(r"\d[\d,.]*", "#", f"{verdict.target.name}\0{verdict.message}")
        rows.setdefault((_heading(verdict), pattern, alone), []).append(verdict)
    return [part for row in rows.values() for part in _parts(row)]


def _parts(row: list[Verdict]) -> Iterator[list[Verdict]]:
    if len(row) < ROW:
        yield from ([verdict] for verdict in row)
    else:
        yield row


def _gravity(verdict: Verdict) -> tuple[int, float]:
    """Sorts by severity; networks by how far they are beyond the limit, all else as it came."""
    return -verdict.severity.rank, -strain(verdict) if _is_on_network(verdict) else 0.0


def _is_on_network(verdict: Verdict) -> bool:
    return verdict.target.kind == "network"


def _heading(verdict: Verdict) -> tuple[object, ...]:
    return verdict.severity, verdict.confidence, verdict.help


def _write_alike(canvas: Canvas, rows: list[list[Verdict]], networks: int) -> None:
    first = rows[0][0]
    heading = Text.assemble(
        "  ", (first.severity, SEVERITY_STYLES[first.severity]), " ", (first.rule, "bold"), " "
    )
    heading.append(first.name, "bold")
    if first.confidence is not Confidence.HIGH:
        heading.append(f" ({first.confidence} confidence)", "dim")
    canvas.line()
    canvas.line(heading)
    for verdict, *others in rows:
        place = where(verdict.target, networks)
        if others:
            place += f" and {len(others):,} like it, up to {others[-1].target.name}"
        if place:
            canvas.field("where", Text(place))
        canvas.field("why", Text(verdict.message))
    if first.help:
        canvas.field("help", Text(first.help))
