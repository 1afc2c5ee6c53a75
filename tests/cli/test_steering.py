"""A configuration file that nobody named: what it switches off is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modlint.cli import main

Capture = pytest.CaptureFixture[str]
OTHERS = "looked at: no checkpoint"
HOSTILE = """
ignore = ["SEC001", "NUM001"]
exclude = ["hidden/**"]
fail-on = "never"
min-severity = "error"

[per-file-ignores]
"healthy.pt" = ["SEC006"]

[rules.hidden-bytes]
severity = "note"

[rules.unsafe-pickle]
allow-globals = ["os.system"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Path, healthy: Path) -> Path:
    """The current folder: two checkpoints, and a third to be excluded."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "h.pt").write_bytes(healthy.read_bytes())
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "PRE_COMMIT"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def check(capsys: Capture, *arguments: str) -> tuple[int, list[str]]:
    """The exit code, and what is said on stderr, but for the count of other files."""
    code = main(["check", *arguments])
    said = capsys.readouterr().err.splitlines()
    return code, [line for line in said if not line.endswith(OTHERS)]


def test_what_a_file_in_the_checked_folder_switches_off_is_one_line(
    folder: Path, capsys: Capture
) -> None:
    (folder / "modlint.toml").write_text(HOSTILE)
    code, said = check(capsys, ".")
    assert code == 0
    (steered,) = [line for line in said if "modlint: modlint.toml: " in line]
    for part in (
        "NUM001, SEC001 are not run;",
        "SEC006 is not run on 1 file",
        "SEC002 counts as note",
        "`allow-globals` of SEC001 set",
        "no finding fails the run",
        "findings below error are not shown",
        "(`--isolated` checks without it)",
    ):
        assert part in steered
    assert any("1 file excluded by modlint.toml" in line for line in said)


def test_the_line_is_in_the_json_report_and_fails_nothing(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text('ignore = ["NUM001"]\n')
    assert main(["check", ".", "--select", "NUM,SEC", "--output-format", "json"]) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    assert any("NUM001 is not run" in note for note in run["notes"])
    assert run["problems"] == []


def test_of_the_users_own_file_only_safety_is_said(folder: Path, capsys: Capture) -> None:
    """It lies above what is checked."""
    (folder / "modlint.toml").write_text('ignore = ["CLU", "NUM001"]\n')
    assert check(capsys, "hidden", "healthy.pt") == (0, [])
    (folder / "modlint.toml").write_text('ignore = ["CLU", "SEC008"]\n')
    code, (line,) = check(capsys, "hidden")
    assert code == 0
    assert line.startswith("modlint: modlint.toml: SEC008 is not run (")


def test_what_applies_to_no_checked_file_is_not_said(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text('[per-file-ignores]\n"else/**" = ["SEC"]\n')
    assert check(capsys, ".", "--select", "NUM,SEC")[1] == []


def test_a_file_that_is_named_is_the_users_word(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text('ignore = ["NUM001"]\n')
    assert check(capsys, ".", "--config", "modlint.toml") == (0, [])
    assert check(capsys, ".", "--isolated")[0] == 1


def test_a_flag_beats_the_file_and_then_nothing_is_said(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text('select = ["NUM"]\nfail-on = "never"\n')
    code, said = check(capsys, ".", "--select", "ALL", "--fail-on", "error")
    assert (code, said) == (1, [])


@pytest.mark.parametrize("name", ["modlint.toml", "pyproject.toml"])
def test_under_safety_it_does_not_apply(folder: Path, capsys: Capture, name: str) -> None:
    text = HOSTILE if name == "modlint.toml" else "[tool.modlint]\nexclude = ['*.pt']\n"
    (folder / name).write_text(text)
    main(["check", ".", "--select", "safety", "--output-format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert len(report["files"]) == 3
    assert report["run"]["settings"]["fail_on"] == "error"
    assert report["run"]["settings"]["exclude"] == []
    (note,) = [n for n in report["run"]["notes"] if not n.endswith(OTHERS)]
    assert note == (f"{name}: not applied under the profile `safety`; `--config {name}` applies it")


def test_a_damaged_file_does_not_stop_the_profile(folder: Path, capsys: Capture) -> None:
    (folder / "pyproject.toml").write_text("[tool.modlint\n")
    assert check(capsys, "healthy.pt", "--select", "safety") == (0, [])


def test_a_file_that_selects_the_profile_does_nothing_else(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text('select = ["safety"]\nexclude = ["*.pt"]\n')
    main(["check", ".", "--output-format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert len(report["files"]) == 3
    assert report["run"]["settings"]["select"] == ["safety"]
    assert any("not applied" in note for note in report["run"]["notes"])


def test_under_safety_a_file_that_is_named_applies(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text('exclude = ["hidden/**"]\n')
    arguments = ["--select", "safety", "--config", "modlint.toml"]
    code, said = check(capsys, ".", *arguments)
    assert code == 0
    assert said == [
        "modlint: passed over: 1 file excluded by modlint.toml; name them to check them",
    ]
