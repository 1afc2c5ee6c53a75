"""One line per finding."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest
from report_parts import file_report, report_of, verdict

from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Persona, Severity, Target, Verdict
from modlint_plugins.reporters import concise
from modlint_plugins.reporters.shortened import shortened


def render(report: Report, shown: Shown | None = None) -> str:
    output = io.StringIO()
    concise.write(report, output, shown or Shown())
    return output.getvalue()


def test_snapshots(case: tuple[str, Report], snapshot: Callable[[str, str], None]) -> None:
    name, report = case
    snapshot(f"concise-{name}.txt", render(report))


def test_one_line_for_each_finding_whatever_it_holds(case: tuple[str, Report]) -> None:
    _, report = case
    summary = report.summary
    everything = render(report, Shown(Severity.NOTE, persona=Persona.AUDITOR, verbose=True))
    lines = [line for line in everything.splitlines() if line.endswith("]")]
    assert len(lines) == summary.error + summary.warning + summary.note
    assert all(line.isprintable() for line in everything.splitlines())


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
    assert "[dead-neurons]" not in text
    assert "1 warning (NEU001), 1 note (FMT004), 1 information (CLU001) (-v lists them)" in text


def test_what_is_for_others_is_not_told(build: Callable[[str], Report]) -> None:
    assert "FMT010" not in render(build("broken"))
    assert "2 notes (FMT004, FMT010)" in render(build("broken"), Shown(persona=Persona.PEDANTIC))


def test_quiet_shows_findings_alone(build: Callable[[str], Report]) -> None:
    lines = render(build("broken"), Shown(quiet=True)).splitlines()
    assert len(lines) == 4
    assert all(line.endswith("]") for line in lines)
    assert render(build("healthy"), Shown(quiet=True)) == ""


def test_verbose_lists_what_did_not_fail(build: Callable[[str], Report]) -> None:
    text = render(build("no_network"), Shown(verbose=True))
    assert "CLU001, CLU002, NEU001 not applicable: the tensors form no chain" in text
    assert "SEC001 inconclusive: no pickle was found" in text
    assert "NUM001 passed: 62 tensors hold no NaN" in text


def test_statistics_count_by_rule(build: Callable[[str], Report]) -> None:
    lines = render(build("broken"), Shown(statistics=True)).splitlines()
    assert lines[0].split() == ["2", "error", "NUM001", "non-finite", "1", "file"]
    assert [line.split()[2] for line in lines[:5]] == [
        "NUM001",
        "SEC001",
        "NEU001",
        "FMT004",
        "CLU001",
    ]


def test_many_findings_are_folded_by_file_and_then_by_rule() -> None:
    broken = [
        file_report(
            *(
                verdict(rule, "fail", Target("tensor", f"w{i}"), message=f"{i} of 9 are wrong")
                for rule in ("NUM001", "NEU001")
                for i in range(4)
            ),
            path=f"{number:02}.pt",
        )
        for number in range(30)
    ]
    few = render(report_of(*broken[:1])).splitlines()
    assert sum(line.endswith("]") for line in few) == 8
    by_file = render(report_of(*broken[:5])).splitlines()
    assert sum("NUM001 error" in line for line in by_file) == 5
    assert sum("NEU001 warning" in line for line in by_file) == 1
    by_rule = render(report_of(*broken)).splitlines()
    assert len(by_rule) == 3
    assert by_rule[0].startswith("00.pt: NUM001 error w0: 0 of 9 are wrong (and 119 more; also in")
    assert "01.pt, 02.pt" in by_rule[0]
    assert "and 9 more files" in by_rule[0]
    assert len(render(report_of(*broken), Shown(verbose=True)).splitlines()) == 241


def test_shards_are_folded_into_their_index() -> None:
    def bad(tensor: str) -> Verdict:
        return verdict("NUM001", "fail", Target("tensor", tensor), message="1 NaN")

    index = file_report(bad("a"), path="m/model.index.json", shards=("1.bin", "2.bin"))
    own = verdict("SEC001", "fail", message="calls os.system('id')")
    shards = [file_report(bad("a"), own, path="m/1.bin"), file_report(path="m/2.bin")]
    lines = render(report_of(index, *shards)).splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["m/1.bin", "m/model.index.json"]
    assert "SEC001" in lines[0]
    assert lines[2] == "2 errors in 2 files; passed at --fail-on error"


@pytest.mark.parametrize(
    "message",
    [
        f"3 weights in no network ({', '.join(f'layer{i}.weight' for i in range(30))}): see it",
        f"metadata {'x' * 300!r} holds a path in somebody's home folder: /home/{'a/' * 90}see it",
        f"f({', '.join(f'g({i})' for i in range(90))}) is called when the file is loaded: see it",
    ],
)
def test_a_message_keeps_how_it_begins_and_ends(message: str) -> None:
    short = shortened(message, 120)
    assert len(short) <= 120
    assert short.startswith(message[:3])
    assert short.endswith("see it")
    assert "…" in short
    assert shortened("as it is", 120) == "as it is"


def test_shortening_always_ends() -> None:
    for piece in (
        "ab, ",
        "'quoted' ",
        "(in (brackets)) ",
        "a-long-name/of-many-parts/and-more ",
        "(",
    ):
        for limit in (30, 60, 160):
            assert len(shortened(piece * 60, limit)) <= limit


def test_a_long_message_is_shortened(build: Callable[[str], Report]) -> None:
    report = build("broken")
    verdicts = [msgspec.structs.replace(v, message="m" * 10**6) for v in report.files[0].verdicts]
    file = msgspec.structs.replace(report.files[0], verdicts=tuple(verdicts))
    lines = render(msgspec.structs.replace(report, files=(file,))).splitlines()
    assert max(map(len, lines)) < 300


def test_an_ascii_stream_gets_escapes(
    build: Callable[[str], Report], ascii_stream: io.TextIOWrapper
) -> None:
    concise.write(build("hostile"), ascii_stream, Shown())
    ascii_stream.seek(0)
    assert r"\u91cd\u307f" in ascii_stream.read()
