"""A row for each check of a file: symbol, rule, value, bar and limit."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace
from rich.text import Text

from modlint.checkpoint import Status
from modlint.report import FileReport
from modlint.reporter import Shown
from modlint.text import number
from modlint.verdict import Outcome, Verdict
from modlint_plugins.reporters.full.canvas import OUTCOME_STYLES, OUTCOME_SYMBOLS, Canvas
from modlint_plugins.reporters.full.checks import Check, checks
from modlint_plugins.reporters.full.measure import MAX_CELLS, MIN_CELLS, Measure

MEASURES_SHOWN = 3
GAP = "  "


class Columns(Struct, frozen=True):
    """Cells that the columns of a file's rows take.

    `stacked` rows break after the name. In `roomy` ones what has no bar leaves its room empty.
    """

    name: int
    label: int
    value: int
    bar: int
    limit: int
    stacked: bool
    roomy: bool

    @classmethod
    def of(cls, rows: Sequence[Check], width: int) -> Columns:
        """As wide as the rows need, the bar as wide as they leave."""
        shown = [measure for row in rows for measure in row.measured() if measure.scaled]
        name = max((len(row.worst.name) for row in rows), default=0)
        label = max((len(measure.label) for measure in shown), default=0)
        value = max((len(number(measure.value)) for measure in shown), default=0)
        limit = max((len(measure.limit_text) for measure in shown), default=0)
        room = width - len(f"  ✔ ABC123 {GAP * 4}") - name - label - value - limit
        bar, stacked = max(MIN_CELLS, min(room, MAX_CELLS)), room < MIN_CELLS
        return cls(name, label, value, bar, limit, stacked, bool(shown) and width >= WIDE)


SUGGESTED = "shown, not gating"
WIDE = 100
"""Cells from which a row has room to say that its limit is a suggestion."""

UNREACHED = (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)


def write_rows(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    """Write a row for each rule that measured something against a limit.

    A verbose report has a row for each rule that reached a verdict, and a line for those that
    reached none.
    """
    rows = [row for row in checks(file.verdicts, len(file.networks)) if _tells(row, file, shown)]
    unreached = shown.verbose and any(v.outcome in UNREACHED for v in file.verdicts)
    if rows or unreached:
        canvas.line()
    columns = Columns.of(rows, canvas.width)
    for row in rows:
        _write_row(canvas, row, columns, shown)
    if canvas.width < WIDE:
        _write_suggested(canvas, rows)
    if unreached:
        for outcome in UNREACHED:
            _write_unreached(canvas, file, outcome)


def _tells(row: Check, file: FileReport, shown: Shown) -> bool:
    """Whether a row has a number, or all are asked for.

    Of a file that was not read, one that measured nothing would only repeat its finding.
    """
    repeats = row.failed and file.status is not Status.CHECKED
    return bool(row.measured()) or (shown.verbose and not repeats)


def _write_row(canvas: Canvas, row: Check, columns: Columns, shown: Shown) -> None:
    name = row.worst.name
    lead = Text.assemble("  ", (row.symbol, row.style), f" {row.worst.rule} ")
    lead.append(name, "bold" if row.failed else "")
    measured = row.measured()[:MEASURES_SHOWN]
    suggested = SUGGESTED if row.suggested and measured and canvas.width >= WIDE else ""
    note = Text(", ".join(filter(None, (suggested, row.note(shown)))), "dim")
    lead.pad_right(max(columns.name - len(name), 0) + len(GAP))
    if columns.stacked:
        canvas.line(lead)
        lead = Text("    ")
    if not measured:
        words = Text(row.words(), "" if row.failed else "dim")
        canvas.hanging(lead, words.append(GAP).append(note) if note else words)
        return
    indent = Text(" " * lead.cell_len)
    if not any(measure.scaled for measure in measured):
        longest = max(len(measure.label) for measure in measured)
        columns = replace(columns, label=max(columns.label, longest))
    for position, measure in enumerate(measured):
        line = (indent if position else lead) + _measured(measure, row.style, columns)
        if not position and line.cell_len + len(GAP) + note.cell_len <= canvas.width:
            line, note = line.append(GAP).append(note), Text()
        canvas.line(line)
    if note:
        canvas.hanging(indent, note)


def _write_suggested(canvas: Canvas, rows: Sequence[Check]) -> None:
    """Say once of which rules the limits are suggestions."""
    codes = [row.worst.rule for row in rows if row.suggested and row.measured()]
    if codes:
        canvas.hanging(Text("    "), Text(f"limits of {', '.join(codes)}: {SUGGESTED}", "dim"))


def _measured(measure: Measure, style: str, columns: Columns) -> Text:
    """A measurement in columns; one without a bar aligns with the others as far as it can."""
    value = number(measure.value)
    fill = max(columns.label + columns.value - len(measure.label) - len(value), 0)
    text = Text.assemble((measure.label, "dim"), GAP, " " * fill, value, GAP)
    if measure.scaled:
        text.append(measure.bar(style, columns.bar)).append(GAP)
    elif columns.roomy:
        text.append(" " * columns.bar).append(GAP)
    return text.append(measure.limit_text.ljust(columns.limit * columns.roomy), "dim")


def _write_unreached(canvas: Canvas, file: FileReport, outcome: Outcome) -> None:
    """Write the rules that reached no verdict, those with one reason together."""
    known = {network.reason for network in file.networks if network.reason}
    groups: dict[str, list[Verdict]] = {}
    for verdict in sorted(file.verdicts, key=lambda verdict: verdict.rule):
        if verdict.outcome is outcome:
            groups.setdefault(verdict.reason or verdict.message, []).append(verdict)
    for reason, verdicts in groups.items():
        codes = ", ".join(dict.fromkeys(verdict.rule for verdict in verdicts))
        why = "no network, for the reason above" if reason in known else reason
        lead = Text.assemble("  ", (OUTCOME_SYMBOLS[outcome], OUTCOME_STYLES[outcome]), " ")
        words = f" {outcome.replace('-', ' ')}{_in_networks(verdicts, file)}: {why}"
        canvas.hanging(lead, Text.assemble(codes, (words, "dim")))


def _in_networks(verdicts: Sequence[Verdict], file: FileReport) -> str:
    """In which networks, where the file holds several."""
    names = list(dict.fromkeys(v.target.network for v in verdicts if v.target.network is not None))
    if len(file.networks) < 2 or not names:
        return ""
    return f" in network {names[0]}" if len(names) == 1 else f" in {len(names):,} networks"
