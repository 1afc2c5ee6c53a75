"""From paths to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.discovery import discover


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "b.pt",
        "a.safetensors",
        "sub/c.onnx",
        "sub/model.pth.tar",
        "sub/notes.txt",
        "sub/pytorch_model.bin",
        ".hidden/d.pt",
        "__pycache__/e.pt",
        "dir.pt/f.pt",
        "UPPER.PT",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(files: list[Path], root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def test_folders_are_searched_in_order(tree: Path) -> None:
    found = discover([tree], lambda path: False)
    assert names(found.files, tree) == [
        "UPPER.PT",
        "a.safetensors",
        "b.pt",
        "dir.pt/f.pt",
        "sub/c.onnx",
        "sub/model.pth.tar",
        "sub/pytorch_model.bin",
    ]


def test_what_is_named_is_checked_once_whatever_its_name(tree: Path) -> None:
    notes = tree / "sub" / "notes.txt"
    found = discover([notes, tree / "b.pt", tree / "b.pt"], lambda path: True)
    assert found.files == [notes, tree / "b.pt"]


def test_exclusion_holds_in_folders(tree: Path) -> None:
    found = discover([tree / "sub"], lambda path: path.suffix == ".onnx")
    assert names(found.files, tree) == ["sub/model.pth.tar", "sub/pytorch_model.bin"]


def test_missing_paths_are_reported(tree: Path) -> None:
    found = discover([tree / "nowhere.pt", tree / "b.pt"], lambda path: False)
    assert found.missing == [tree / "nowhere.pt"]
    assert found.files == [tree / "b.pt"]


def test_a_broken_link_is_a_file_to_report_on(tmp_path: Path) -> None:
    link = tmp_path / "model.pt"
    link.symlink_to(tmp_path / "gone.pt")
    assert discover([link], lambda path: False).files == [link]
