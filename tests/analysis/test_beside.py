"""What stands beside a file is listed and parsed, whatever it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from modlint.analysis import beside
from modlint.analysis.base import Inputs
from modlint.analysis.beside import Beside, Document
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable

NO_INPUTS: Inputs = None  # type: ignore[assignment]  # these analyses ask for nothing


def checkpoint(folder: Path, name: str = "model.pt") -> Checkpoint:
    (folder / name).touch()
    return Checkpoint(folder / name, "torch-zip", 0)


def read(folder: Path, content: bytes | str) -> Any:
    written = content if isinstance(content, bytes) else content.encode()
    (folder / "config.json").write_bytes(written)
    return Document("config.json").compute(checkpoint(folder), NO_INPUTS)


def test_files_have_their_sizes_and_folders_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"12345")
    (tmp_path / "sub").mkdir()
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    found = Beside().compute(checkpoint(tmp_path), NO_INPUTS)
    assert found.files == {"a.txt": 5, "gone": None, "model.pt": 0}
    assert found.folders == {"sub"}


def test_a_pipe_is_listed_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "config.json")
    assert Beside().compute(checkpoint(tmp_path), NO_INPUTS).files["pipe"] == 0
    assert Document("config.json").compute(checkpoint(tmp_path), NO_INPUTS) is None


def test_the_names_beside_the_folder(tmp_path: Path) -> None:
    for name in ("mp_rank_00", "mp_rank_01"):
        (tmp_path / name).mkdir()
    found = Beside(above=1).compute(checkpoint(tmp_path / "mp_rank_00"), NO_INPUTS)
    assert found.folders == {"mp_rank_00", "mp_rank_01"}


def test_a_relative_path_has_a_folder_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    found = Beside(above=1).compute(checkpoint(Path()), NO_INPUTS)
    assert found.folders == {"sub"}


def test_nothing_stands_beside_what_is_no_file(tmp_path: Path) -> None:
    inner = Checkpoint(tmp_path / "archive.zip" / "model.pt", "torch-zip", 0)
    with pytest.raises(Unavailable, match="no file of its own"):
        Beside().compute(inner, NO_INPUTS)
    assert Document("config.json").compute(inner, NO_INPUTS) is None


def test_a_folder_of_too_many_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MAX_FILES", 3)
    for i in range(3):
        (tmp_path / f"{i}.txt").touch()
    with pytest.raises(Unavailable, match="more than 3 files"):
        Beside().compute(checkpoint(tmp_path), NO_INPUTS)


def test_a_document_is_parsed(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a": [1, null]}') == {"a": [1, None]}


def test_no_document_is_none(tmp_path: Path) -> None:
    assert Document("config.json").compute(checkpoint(tmp_path), NO_INPUTS) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "config.json"),
        ("{", "is no JSON"),
        ("[1]", "holds no JSON object"),
        ("null", "holds no JSON object"),
        ("[" * 100_000, "is no JSON"),
        ('{"a": ' * 100_000, "is no JSON"),
        (b"\xff\xfe{\x00}\x00\xff", "is no JSON"),
        ('{"a": ' + "9" * 100_000 + "}", "is no JSON"),
    ],
)
def test_a_damaged_document_is_unavailable(content: bytes | str, told: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=told):
        read(tmp_path, content)


def test_a_document_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MAX_DOCUMENT", 10)
    with pytest.raises(Unavailable, match="longer than 10 bytes"):
        read(tmp_path, json.dumps({"long": "value"}))


def test_a_folder_of_the_document_s_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    assert Document("config.json").compute(checkpoint(tmp_path), NO_INPUTS) is None


def test_a_document_of_very_many_values_is_not_parsed(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="more than 4,000,000 values"):
        read(tmp_path, '{"a": [' + "[]," * 4_000_000 + "[]]}")
