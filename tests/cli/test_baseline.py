"""Findings that are accepted: written, matched, renamed, expired, pruned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from modlint.cli import main

Capture = pytest.CaptureFixture[str]
NAN = float("nan")


def save(path: Path, **tensors: torch.Tensor) -> Path:
    torch.save({name.replace("__", "."): tensor for name, tensor in tensors.items()}, path)
    return path


def bad() -> torch.Tensor:
    return torch.tensor([[NAN, 1.0], [2.0, 3.0]])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model two of whose tensors hold NaN, and a configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modlint.toml").write_text('select = ["NUM001"]\nbaseline = "accepted.json"\n')
    save(tmp_path / "a.pt", layers__1__w=bad(), layers__2__w=bad(), ok=torch.ones(2))
    (tmp_path / "accepted.json").write_text('{"schema": "modlint-baseline/1", "findings": []}')
    return tmp_path


def entries(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "accepted.json").read_text())["findings"]  # type: ignore[no-any-return]


def summary(capsys: Capture, *arguments: str) -> dict[str, int]:
    capsys.readouterr()
    main(["check", "--output-format", "json", *arguments])
    return json.loads(capsys.readouterr().out)["summary"]  # type: ignore[no-any-return]


def test_what_is_accepted_fails_no_run_and_is_counted(folder: Path, capsys: Capture) -> None:
    assert main(["check"]) == 1
    assert main(["baseline", "--reason", "known since June"]) == 0
    assert "2 findings accepted, 2 of them new" in capsys.readouterr().out
    assert [entry["reason"] for entry in entries(folder)] == ["known since June"] * 2
    assert main(["check"]) == 0
    assert "2 baselined (NUM001 ×2)" in capsys.readouterr().out
    assert summary(capsys)["baselined"] == 2


def test_what_is_new_fails(folder: Path, capsys: Capture) -> None:
    main(["baseline", "--reason", "old"])
    save(folder / "a.pt", layers__1__w=bad(), layers__2__w=bad(), other=bad())
    assert main(["check"]) == 1
    assert summary(capsys)["error"] == 1
    main(["baseline", "--reason", "new"])
    reasons = {entry["name"]: entry["reason"] for entry in entries(folder)}
    assert reasons == {"layers.1.w": "old", "layers.2.w": "old", "other": "new"}


def test_layers_that_are_numbered_anew_stay_accepted(folder: Path, capsys: Capture) -> None:
    main(["baseline"])
    save(folder / "a.pt", layers__2__w=bad(), layers__3__w=bad())
    assert main(["check"]) == 0
    save(folder / "a.pt", layers__2__w=bad(), layers__3__w=bad(), layers__4__w=bad())
    assert main(["check"]) == 1
    assert summary(capsys)["error"] == 1


def test_a_file_may_get_another_name(folder: Path) -> None:
    main(["baseline", "--reason", "known"])
    (folder / "a.pt").rename(folder / "b.pt")
    assert main(["check"]) == 1
    assert main(["baseline", "--map", "a.pt=b.pt"]) == 0
    assert main(["check"]) == 0
    assert {(entry["path"], entry["reason"]) for entry in entries(folder)} == {("b.pt", "known")}


def test_stale_entries_are_told_and_pruned(folder: Path, capsys: Capture) -> None:
    main(["baseline"])
    save(folder / "a.pt", layers__1__w=bad(), layers__2__w=torch.ones(2))
    assert main(["check"]) == 0
    assert "accepts what is no longer found (NUM001 layers.2.w in a.pt)" in capsys.readouterr().err
    main(["baseline", "--prune"])
    assert [entry["name"] for entry in entries(folder)] == ["layers.1.w"]
    assert "1 dropped" in capsys.readouterr().out


def test_what_was_not_checked_is_not_stale(folder: Path, capsys: Capture) -> None:
    assert main(["baseline", "a.pt"]) == 0
    baseline = (folder / "accepted.json").read_text()
    command = ["--select", "FMT001", "a.pt"]
    assert main(["check", *command]) == 0
    assert "no longer found" not in capsys.readouterr().err
    assert main(["baseline", *command, "--prune"]) == 0
    assert (folder / "accepted.json").read_text() == baseline


def test_an_entry_ends_with_its_day(folder: Path, capsys: Capture) -> None:
    main(["baseline", "--expires", "2999-01-01"])
    assert main(["check"]) == 0
    text = (folder / "accepted.json").read_text()
    (folder / "accepted.json").write_text(text.replace("2999", "1999"))
    assert main(["check"]) == 1
    assert "expired on 1999-01-01: NUM001 in a.pt, and 1 more" in capsys.readouterr().err


def test_what_a_folder_brings_along_accepts_nothing_under_safety(
    folder: Path, capsys: Capture
) -> None:
    main(["baseline"])
    assert main(["check", "--select", "safety,NUM001"]) == 1
    assert "not applied under the profile `safety`" in capsys.readouterr().err
    chosen = str(folder / "accepted.json")
    assert main(["check", "--select", "safety,NUM001", "--baseline", chosen]) == 0


def test_a_configuration_that_was_found_says_that_it_accepts(capsys: Capture) -> None:
    main(["baseline"])
    main(["check", "."])
    assert "findings in accepted.json are accepted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Input data was truncated"),
        ("[1]", "Expected `object`"),
        ('{"schema": "x", "findings": []}', "schema 'x'"),
        ('{"findings": [{"rule": 3}]}', "Expected `str`"),
        ("[" * 100_000, "baseline"),
    ],
)
def test_a_damaged_baseline_is_refused(folder: Path, text: str, told: str, capsys: Capture) -> None:
    (folder / "accepted.json").write_text(text)
    assert main(["check"]) == 2
    assert told in capsys.readouterr().err


def test_one_that_is_missing_is_refused(folder: Path, capsys: Capture) -> None:
    (folder / "accepted.json").unlink()
    assert main(["check"]) == 2
    assert "`modlint baseline` writes one" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("--expires", "soon"), ("--map", "a.pt")])
def test_wrong_flags(flags: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["baseline", *flags])
    assert stop.value.code == 2
