"""The report for people, as a whole and in its parts."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest
from rich.cells import cell_len

from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Confidence, Severity
from modlint_plugins.reporters.full import document

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def render(report: Report, shown: Shown | None = None) -> str:
    output = io.StringIO()
    document.write(report, output, shown or Shown())
    return output.getvalue()


@pytest.mark.parametrize("columns", ["80", "120"])
def test_snapshots(
    case: tuple[str, Report],
    columns: str,
    snapshot: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, report = case
    monkeypatch.setenv("COLUMNS", columns)
    snapshot(f"full-{name}-{columns}.txt", render(report))


def test_coloured_snapshot(
    build: Callable[[str], Report],
    snapshot: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    snapshot("full-broken-colour.txt", render(build("broken")))


def test_ascii_snapshot(
    build: Callable[[str], Report],
    snapshot: Callable[[str, str], None],
    ascii_stream: io.TextIOWrapper,
) -> None:
    for name in ("healthy", "broken", "hostile"):
        document.write(build(name), ascii_stream, Shown())
    ascii_stream.seek(0)
    snapshot("full-ascii.txt", ascii_stream.read())


def test_colour_changes_no_letter(
    case: tuple[str, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, report = case
    plain = render(report)
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = render(report)
    assert ESCAPE.sub("", coloured) == plain
    assert coloured != plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert render(report) == plain


@pytest.mark.parametrize("columns", [40, 57, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    case: tuple[str, Report], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, report = case
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = render(report).splitlines()
    assert max(cell_len(line) for line in lines) <= columns
    assert all(line == line.rstrip() for line in lines)


def test_nothing_from_a_file_drives_the_terminal(
    build: Callable[[str], Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = ESCAPE.sub("", render(build("hostile")))
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "[red]w[/red]" in text
    assert r"\x1b[2J\x1b]0;owned\x07\n\u202egnp" in text


def test_what_is_filtered_out_is_counted(build: Callable[[str], Report]) -> None:
    text = render(build("broken"), Shown(Severity.ERROR))
    assert "error NUM001" in text
    assert "warning NEU001" not in text
    assert "note CLU001" not in text
    assert "1 warning (NEU001), 1 note (FMT004), 1 information (CLU001)" in text
    everything = render(build("broken"), Shown(Severity.INFORMATION))
    assert "information CLU001" in everything
    sure = render(build("broken"), Shown(Severity.INFORMATION, Confidence.HIGH))
    assert "information CLU001" not in sure
    assert "1 information (CLU001)" in sure


def test_a_long_list_is_cut(build: Callable[[str], Report]) -> None:
    report = build("many")
    names = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(233)]
    verdicts = [
        msgspec.structs.replace(v, target=msgspec.structs.replace(v.target, name=name))
        for v, name in zip(report.files[0].verdicts, names, strict=False)
    ]
    file = msgspec.structs.replace(report.files[0], verdicts=tuple(verdicts))
    text = render(msgspec.structs.replace(report, files=(file,)))
    assert text.count("elements are NaN") == 20
    assert "… and 213 more (see --output-format json)" in text


def test_a_row_of_layers_is_told_once(build: Callable[[str], Report]) -> None:
    text = " ".join(render(build("many")).split())
    assert text.count("elements are NaN") == 1
    assert "projection.weight and 232 like it, up to blocks.232.attention" in text


def test_suggested_limits_are_drawn_and_gate_nothing(
    build: Callable[[str], Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "limits of CLU001: shown, not gating" in render(build("broken"))
    monkeypatch.setenv("COLUMNS", "120")
    row = next(line for line in render(build("broken")).splitlines() if "CLU001" in line)
    assert row.endswith("≤ 0.05  shown, not gating")
    assert row.split()[0] == "·"


def test_only_errors_and_warnings_have_a_cross(build: Callable[[str], Report]) -> None:
    rows = render(build("broken"), Shown(verbose=True)).splitlines()
    marks = {row.split()[1]: row.split()[0] for row in rows if row[2:3] in "✖•·✔?-" and row[4:7]}
    assert marks["NUM001"] == marks["NEU001"] == marks["SEC001"] == "✖"
    assert marks["FMT004"] == "•"
    assert marks["CLU001"] == "·"


def test_of_several_files_those_without_findings_are_a_count(
    build: Callable[[str], Report],
) -> None:
    healthy, broken = build("healthy").files[0], build("broken").files[0]
    copies = [msgspec.structs.replace(healthy, path=f"{i}.pt") for i in range(200)]
    report = msgspec.structs.replace(build("broken"), files=(broken, *copies))
    text = render(report)
    assert "201 files, 200 without findings" in text
    assert "199.pt" not in text
    clean = render(msgspec.structs.replace(build("healthy"), files=tuple(copies)))
    assert len(clean.splitlines()) == 2


def test_baselined_findings_are_counted_apart(build: Callable[[str], Report]) -> None:
    text = render(build("many"))
    assert "error SEC001" not in text
    assert "1 baselined" in text
    assert "baselined" not in render(build("healthy"))


def test_a_name_of_megabytes_does_not_flood_the_screen(build: Callable[[str], Report]) -> None:
    report = build("healthy")
    file = msgspec.structs.replace(report.files[0], remarks=("x" * 5_000_000,))
    text = render(msgspec.structs.replace(report, files=(file,)))
    assert len(text) < 10_000


def test_strict_is_named_as_the_reason(build: Callable[[str], Report]) -> None:
    report = build("no_network")
    run = msgspec.structs.replace(
        report.run, exit_code=1, settings={"fail_on": "error", "strict": True}
    )
    assert "failed at --fail-on error --strict (exit code 1)" in render(
        msgspec.structs.replace(report, run=run)
    )


def test_rich_is_imported_when_a_report_is_written_and_not_before() -> None:
    code = (
        "import sys; from modlint_plugins.reporters import modlint_reporters\n"
        "assert len({r.name for r in modlint_reporters()}) == 11\n"
        "assert not {'rich', 'torch', 'onnx', 'scipy', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_alike_networks_are_folded_into_one(build: Callable[[str], Report]) -> None:
    lines = render(build("many_networks")).splitlines()

    header = [line.strip() for line in lines[: lines.index("")]]
    assert sum(line.startswith("network ") for line in header) == 2
    assert "… 11 more like it, up to encoder.layer.11" in header


def test_networks_that_differ_are_not_folded(build: Callable[[str], Report]) -> None:
    report = build("many_networks")
    networks = report.files[0].networks
    other = msgspec.structs.replace(networks[1], connections=1)
    file = msgspec.structs.replace(report.files[0], networks=(networks[0], other, *networks[2:5]))

    lines = render(msgspec.structs.replace(report, files=(file,))).splitlines()

    header = [line.split() for line in lines[: lines.index("")]]
    named = [words[1] for words in header if words[0] == "network"]
    assert named == ["encoder.layer.0", "encoder.layer.1", "encoder.layer.2"]
    assert ["…", "2", "more", "like", "it,", "up", "to", "encoder.layer.4"] in header


def test_of_many_networks_the_worst_are_written_out(build: Callable[[str], Report]) -> None:
    text = render(build("many_networks"), Shown(Severity.INFORMATION))

    drawn = re.findall(r"shuffles \(network encoder\.layer\.(\d+)\)", text)
    explained = re.findall(r"where +network encoder\.layer\.(\d+)", text)
    assert drawn == explained == ["11", "9", "7"]
    assert "… and 9 more such tests, of which 6 passed (see --output-format json)" in text
    assert "    … and 3 more (see --output-format json)" in text
