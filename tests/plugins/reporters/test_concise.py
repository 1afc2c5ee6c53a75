"""One line per finding."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest

from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Severity
from modlint_plugins.reporters.concise import ConciseReporter


def render(report: Report, shown: Shown | None = None) -> str:
    output = io.StringIO()
    ConciseReporter().write(report, output, shown or Shown())
    return output.getvalue()


def test_snapshots(case: tuple[str, Report], snapshot: Callable[[str, str], None]) -> None:
    name, report = case
    snapshot(f"concise-{name}.txt", render(report))


def test_one_line_for_each_finding_whatever_it_holds(case: tuple[str, Report]) -> None:
    _, report = case
    summary = report.summary
    lines = [line for line in render(report).splitlines() if line.endswith("]")]
    assert len(lines) == summary.error + summary.warning + summary.note
    assert all(line.isprintable() for line in lines)


def test_it_is_never_coloured(
    build: Callable[[str], Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in render(build("broken"))


def test_files_are_sorted_by_path(build: Callable[[str], Report]) -> None:
    paths = [line.split(":")[0].split("@")[0] for line in render(build("unread")).splitlines()[:3]]
    assert paths == ["notes.pth", "runs/best.pt", "runs/model.safetensors"]


def test_what_is_filtered_out_is_counted(build: Callable[[str], Report]) -> None:
    text = render(build("broken"), Shown(Severity.ERROR))
    assert "NEU001" not in text
    assert "2 findings hidden by --min-severity or --min-confidence" in text


def test_a_long_message_is_shortened(build: Callable[[str], Report]) -> None:
    report = build("broken")
    verdicts = [msgspec.structs.replace(v, message="m" * 10**6) for v in report.files[0].verdicts]
    file = msgspec.structs.replace(report.files[0], verdicts=tuple(verdicts))
    lines = render(msgspec.structs.replace(report, files=(file,))).splitlines()
    assert max(map(len, lines)) < 300


def test_an_ascii_stream_gets_escapes(
    build: Callable[[str], Report], ascii_stream: io.TextIOWrapper
) -> None:
    ConciseReporter().write(build("hostile"), ascii_stream, Shown())
    ascii_stream.seek(0)
    assert r"\u91cd\u307f" in ascii_stream.read()
