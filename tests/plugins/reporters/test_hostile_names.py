"""Names that try to be more than text, in real files, through the command line, in every format."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import hostile_names
import pytest
from support import modlint

from benchmarks.formats import browser, command_line
from benchmarks.formats.consumers import CONSUMERS, csv_cells, faults, github, gitlab, html, junit
from benchmarks.formats.consumers import markdown as in_markdown
from benchmarks.formats.runner import commands
from modlint_plugins.reporters import REPORTERS

NAMES = [reporter.name for reporter in REPORTERS]
CHECK = ("check", "--isolated")


def outputs(files: Path, folder: Path) -> dict[str, str]:
    """Each format as the command line writes it into a file."""
    named = [f"--output={name}={folder / name}" for name in NAMES]
    run = modlint(*CHECK, "--output-format=concise", *named, files)
    assert run.returncode == 1, run.stderr[-2000:]
    assert "Traceback" not in run.stderr
    assert list(commands(run.stderr)) == []
    written = {name: (folder / name).read_text(encoding="utf-8") for name in NAMES}
    return written | {"counts": modlint(*CHECK, "--statistics", files).stdout}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("names")
    return outputs(hostile_names.written(folder), folder)


@pytest.fixture(scope="module")
def long_reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("long")
    return outputs(hostile_names.written_long(folder), folder)


@pytest.mark.parametrize("name", CONSUMERS)
def test_names_are_text_to_every_consumer(reports: dict[str, str], name: str) -> None:
    assert list(faults(name, reports[name])) == []


@pytest.mark.parametrize("name", CONSUMERS)
def test_long_names_make_no_long_report(long_reports: dict[str, str], name: str) -> None:
    assert list(faults(name, long_reports[name])) == []
    assert len(long_reports[name].encode()) < 10_000_000


def test_each_file_has_its_finding(reports: dict[str, str]) -> None:
    report = json.loads(reports["json"])
    unfound = [
        file["path"]
        for file in report["files"]
        if not any(v["outcome"] == "fail" and v["severity"] == "error" for v in file["verdicts"])
    ]
    assert len(report["files"]) == 5 * len(hostile_names.NAMES) + 2
    assert unfound == []


def test_json_keeps_names_as_they_are(reports: dict[str, str]) -> None:
    report = json.loads(reports["json"])
    named = {v["target"]["name"] for file in report["files"] for v in file["verdicts"]}
    assert set(hostile_names.NAMES.values()) <= named


@pytest.mark.parametrize("command", ["inspect", "check", "clusters"])
def test_what_the_terminal_shows_commands_no_runner(command: str, tmp_path: Path) -> None:
    name = "w" * 70 + "::add-mask::x ##[error]y\n::error::z\x1b[2J"
    path = tmp_path / f"{name[-30:].replace('/', '')}.safetensors"
    path.write_bytes(hostile_names.with_tensor(name))
    for arguments in ([], ["--output-format", "json"]):
        run = modlint(command, *arguments, path, COLUMNS="60", GITHUB_ACTIONS="false")
        assert list(commands(run.stdout + run.stderr)) == []
        assert "\x1b" not in run.stdout + run.stderr


def test_the_exit_code_is_one_in_every_format(tmp_path: Path) -> None:
    for number, (suffix, content) in enumerate(hostile_names.each()):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(content)
    assert set(command_line.exit_codes(*sorted(tmp_path.iterdir())).values()) == {1}


OBJECTED = {
    "a formula": (csv_cells, "a,b\n'x,=1\n"),
    "a formula behind a semicolon": (csv_cells, "a,b\nx,y;@z\n"),
    "a wide formula": (csv_cells, "a\n\uff0b1\n"),
    "another command": (github, "::add-mask::x\nmodlint: 1 error\n"),
    "a line that is none of ours": (github, "::error file=a,title=b::x\ny\nmodlint: 1 error\n"),
    "a link": (in_markdown, "see http://example.org"),
    "an element": (in_markdown, "<img src='x'/>"),
    "a mention": (in_markdown, "@everyone"),
    "a handler": (html, "<!DOCTYPE html><title>x</title><p onclick='y'>z</p><script></script>"),
    "an image that is loaded": (html, "<!DOCTYPE html><title>x</title><img src='y'>"),
    "wrong sums": (junit, '<testsuites tests="2" failures="0" errors="0"></testsuites>'),
    "no array": (gitlab, '[{"description": "x"}]'),
}


@pytest.mark.parametrize("what", OBJECTED)
def test_the_consumers_object_to(what: str) -> None:
    consumer, text = OBJECTED[what]
    try:
        objections = list(consumer(text))
    except KeyError as error:  # what is missing
        objections = [str(error)]
    assert objections


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_no_name_runs_in_a_browser(reports: dict[str, str], tmp_path: Path) -> None:
    sync = pytest.importorskip("playwright.sync_api")
    page = tmp_path / "page.html"
    page.write_text(reports["html"], encoding="utf-8")
    with sync.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        assert browser.opened(chromium, page) == []
        chromium.close()
