"""What the page shows of a report, in the order in which it shows it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from modlint.drawings import Drawings, DrawnTensor
from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import number, printable
from modlint.verdict import Outcome, Persona, Severity, Verdict
from modlint_plugins.reporters.findings import place, relative
from modlint_plugins.reporters.full.measure import Measure, label, measures
from modlint_plugins.reporters.full.null import NullTest
from modlint_plugins.reporters.html.layers import Drawing, alike, as_layers, drawing_of
from modlint_plugins.reporters.html.page import from_markdown
from modlint_plugins.reporters.html.pictures import Bars, Image, bars_of, image_of, null_bars
from modlint_plugins.reporters.told import told

MOST_FINDINGS = 2_000
MOST_FILES = 500
MOST_VERDICTS = 300
"""Of a file, findings first."""
MOST_DRAWN = 2_500_000
"""Bytes of pictures, roughly, in a report; files beyond it are told without."""
_VALUES, _VALUE = 24, 120
_ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.NOT_APPLICABLE)


class Row(Struct, frozen=True):
    """A verdict: its rule's place in the catalogue (-1 where it has none), file and numbers."""

    verdict: Verdict
    rule: int
    file: int
    path: str
    where: str
    hidden: bool
    measures: tuple[Measure, ...]
    others: tuple[tuple[str, str], ...]


class NullView(Struct, frozen=True):
    """A test against shuffled networks, drawn."""

    verdict: Verdict
    bars: Bars
    title: str
    shuffles: int
    observed: float
    explained: tuple[tuple[str, str, str], ...]


class TensorView(Struct, frozen=True):
    """A layer's weights; `bars` is None where there is nothing to draw."""

    tensor: DrawnTensor
    shape: str
    elements: int
    bars: Bars | None


class NetworkView(Struct, frozen=True):
    """Networks that have the same layers, drawn once; without ids, the layers of a file."""

    ids: tuple[str, ...]
    drawing: Drawing
    images: tuple[tuple[str, tuple[Image, ...]], ...]


class FileView(Struct, frozen=True):
    """A file."""

    index: int
    file: FileReport
    path: str
    worst: str
    findings: int
    rows: tuple[Row, ...]
    left_out: int
    networks: tuple[NetworkView, ...]
    nulls: tuple[NullView, ...]
    tensors: tuple[TensorView, ...]
    notes: tuple[str, ...]


class RuleView(Struct, frozen=True):
    """A rule with its page."""

    code: str
    name: str
    summary: str
    severity: str
    source: str
    url: str
    page: Any


class Views:
    """All that is shown of a report."""

    def __init__(self, report: Report, shown: Shown) -> None:
        whole = told(report, msgspec.structs.replace(shown, persona=Persona.AUDITOR))
        self.report = report
        self.shown = shown
        self.summary = told(report, shown).summary
        self.codes = {rule.code: index for index, rule in enumerate(report.rules)}
        self.least = shown.min_severity or Severity.NOTE
        self.files_left_out = max(0, len(whole.files) - MOST_FILES)
        listed = sorted(whole.files, key=_gravity)[:MOST_FILES]
        self.files = list(self._files(listed))
        found = [row for index, file in enumerate(listed) for row in self._found(file, index)]
        found.sort(key=lambda row: (row.verdict.baselined, -row.verdict.severity.rank))
        self.findings = found[:MOST_FINDINGS]
        self.findings_left_out = max(0, len(found) - MOST_FINDINGS)

    @property
    def rules(self) -> Iterator[RuleView]:
        """The rules of the run."""
        for rule in self.report.rules:
            page = rule.page if isinstance(rule.page, str) else rule.summary
            url = rule.url if rule.url and rule.url.startswith(("https://", "http://")) else ""
            yield RuleView(
                rule.code,
                rule.name,
                rule.summary,
                rule.severity,
                rule.source,
                url,
                from_markdown(page),
            )

    def _found(self, file: FileReport, index: int) -> Iterator[Row]:
        least = self.shown.min_confidence.rank
        for verdict in file.findings:
            if verdict.confidence.rank >= least:
                yield self._row(verdict, file, index)

    def _row(self, verdict: Verdict, file: FileReport, index: int) -> Row:
        beyond = verdict.persona.rank > self.shown.persona.rank
        hidden = beyond or verdict.baselined or verdict.severity.rank < self.least.rank
        measured = tuple(measures(verdict))
        return Row(
            verdict,
            self.codes.get(verdict.rule, -1),
            index,
            relative(file.path),
            place(verdict.target) or "the file",
            hidden,
            measured,
            tuple(_others(verdict, {measure.name for measure in measured})),
        )

    def _files(self, files: Sequence[FileReport]) -> Iterator[FileView]:
        room = MOST_DRAWN
        for index, file in enumerate(files):
            drawings = file.drawings if isinstance(file.drawings, Drawings) else Drawings()
            size = _size(drawings)
            if size > room:
                notes = ("not drawn: the report would be too large; check the file alone",)
                drawings, size = Drawings(notes=notes), 0
            room -= size
            yield self._file(file, index, drawings)

    def _file(self, file: FileReport, index: int, drawings: Drawings) -> FileView:
        verdicts = sorted(file.verdicts, key=_importance)
        live = [v for v in file.findings if not v.baselined and v in self.shown]
        tests = (NullTest.of(verdict) for verdict in verdicts)
        return FileView(
            index,
            file,
            relative(file.path),
            live[0].severity if live else "",
            len(live),
            tuple(self._row(verdict, file, index) for verdict in verdicts[:MOST_VERDICTS]),
            max(0, len(verdicts) - MOST_VERDICTS),
            tuple(_networks(file, drawings)),
            tuple(_null(test) for test in tests if test is not None)[:12],
            tuple(map(_tensor, _in_order(drawings.tensors))),
            (*file.remarks, *drawings.notes),
        )


def _gravity(file: FileReport) -> tuple[int, str]:
    """Sorts files by the worst that was found."""
    worst = max((v.severity.rank for v in file.findings if not v.baselined), default=-2)
    return -worst, file.path


def _importance(verdict: Verdict) -> tuple[int, int, str]:
    return _ORDER.index(verdict.outcome), -verdict.severity.rank, verdict.rule


def _others(verdict: Verdict, measured: set[str]) -> Iterator[tuple[str, str]]:
    """The values of a verdict that have no limit, as texts."""
    values = [(n, v) for n, v in verdict.values.items() if n not in measured]
    for name, value in values[:_VALUES]:
        yield label(str(name)), _value(value)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return number(value) if math.isfinite(value) else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    if isinstance(value, list | tuple):
        listed = ", ".join(_value(item) for item in value[:8])
        return printable(f"{listed}, … ({len(value):,})" if len(value) > 8 else listed, _VALUE)
    return "–" if value is None else printable(str(value)[:10_000], _VALUE)


def _networks(file: FileReport, drawings: Drawings) -> Iterator[NetworkView]:
    found: dict[str, Severity] = {}
    for verdict in reversed(file.findings):
        if not verdict.baselined and verdict.severity.rank >= 0:
            found[verdict.target.name] = verdict.severity
    for group in alike(drawings.networks):
        images = ((n.id, tuple(map(image_of, n.panels))) for n in group if n.panels)
        ids = tuple(network.id for network in group)
        yield NetworkView(ids, drawing_of(group[0].layers, found), tuple(images))
    if not drawings.networks and drawings.tensors:
        yield NetworkView((), drawing_of(as_layers(_in_order(drawings.tensors)), found), ())


def _null(test: NullTest) -> NullView:
    title = f"{label(test.statistic)} against shuffled networks"
    if test.verdict.target.kind == "network":
        title += f", network {printable(test.verdict.target.name, 60)}"
    rows = tuple(test.explained())
    return NullView(test.verdict, null_bars(test), title, len(test.samples), test.observed, rows)


def _tensor(tensor: DrawnTensor) -> TensorView:
    shape = " × ".join(f"{size:,}" for size in tensor.shape)
    return TensorView(tensor, shape, math.prod(tensor.shape), bars_of(tensor))


def _in_order(tensors: Sequence[DrawnTensor]) -> Sequence[DrawnTensor]:
    """The tensors as the file has them; by the numbers in their names where it sorts by letters."""
    names = [tensor.name for tensor in tensors]
    return sorted(tensors, key=lambda t: _numbered(t.name)) if names == sorted(names) else tensors


def _numbered(name: str) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d{1,9})", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _size(drawings: Drawings) -> int:
    """Bytes, roughly, that drawings take in a page."""
    panels = (p for network in drawings.networks for p in network.panels)
    layers = sum(len(network.layers) for network in drawings.networks)
    return sum(len(p.pixels) for p in panels) + layers * 600 + len(drawings.tensors) * 1_600
