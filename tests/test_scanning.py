"""Scanners run side by side: here modlint alone, the others are not installed for the tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from threats.build import RUN, STATE, Entry, Torch, zip_archive

from benchmarks.scanning import Scanner, side_by_side, timed, tools


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    contents = {
        "healthy.pt": zip_archive(Torch().entries()).content,
        "hostile.pkl": RUN,
        "notes.txt": b"Nothing of interest.",
        "hostile.pt": zip_archive([*Torch().entries(), Entry("model/more.pkl", RUN)]).content,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def test_each_file_gets_a_verdict_from_a_fork(files: list[Path], tmp_path: Path) -> None:
    known = list(tools(tmp_path))
    assert [tool.name for tool in known] == ["modlint"]
    told = side_by_side(files, known, jobs=1)
    assert [row["modlint"] for row in told] == ["clean", "error", "not scanned", "error"]


def test_a_folder_is_as_bad_as_its_worst_file(files: list[Path], tmp_path: Path) -> None:
    (modlint,) = tools(tmp_path)
    (tmp_path / "healthy").mkdir()
    (tmp_path / "healthy" / "state.pkl").write_bytes(b"\x80\x02}.")
    scanner = Scanner(replace(modlint, folders=False))
    assert scanner.judge(tmp_path) == "error"
    assert scanner.judge(tmp_path / "healthy") == "clean"
    scanner.close()


def test_time_is_that_of_a_process(files: list[Path], tmp_path: Path) -> None:
    (modlint,) = tools(tmp_path)
    assert STATE in files[0].read_bytes()
    assert timed(modlint, files[0]) > 0.01
