"""From paths to files."""

from __future__ import annotations

import os
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


def test_patterns_are_expanded(tree: Path) -> None:
    found = discover([tree / "*.pt", tree / "**" / "*.onnx"], lambda path: False)
    assert names(found.files, tree) == ["b.pt", "dir.pt/f.pt", "sub/c.onnx"]


def test_pattern_without_a_match_is_missing(tree: Path) -> None:
    found = discover([tree / "*.ckpt"], lambda path: False)
    assert found.missing == [tree / "*.ckpt"]


def test_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a[1].pt"
    path.write_bytes(b"x")
    assert discover([path], lambda path: False).files == [path]


def test_ignored_files_of_a_repository_are_passed_over(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("*.pt\n!/b.pt\n/sub/*.onnx\n")
    (tree / "sub" / ".gitignore").write_text("!c.onnx\n*.bin\n")

    found = discover([tree], lambda path: False)

    assert names(found.files, tree) == [
        "UPPER.PT",
        "a.safetensors",
        "b.pt",
        "sub/c.onnx",
        "sub/model.pth.tar",
    ]


def test_ignored_folder_that_is_named_is_searched(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("sub/\nb.pt\n")

    assert not any("sub" in file.parts for file in discover([tree], lambda path: False).files)
    found = discover([tree / "sub", tree / "b.pt"], lambda path: False)
    assert names(found.files, tree) == [
        "sub/c.onnx",
        "sub/model.pth.tar",
        "sub/pytorch_model.bin",
        "b.pt",
    ]


def test_gitignore_outside_of_a_repository_says_nothing(tree: Path) -> None:
    (tree / ".gitignore").write_text("*\n")
    assert len(discover([tree], lambda path: False).files) == 7


def test_indexes_and_metadata_are_found(tmp_path: Path) -> None:
    for name in (".metadata", "a.distcp", "model.safetensors.index.json", "config.json", "a.pkl"):
        (tmp_path / name).write_bytes(b"x")
    found = discover([tmp_path], lambda path: False)
    assert names(found.files, tmp_path) == [
        ".metadata",
        "a.distcp",
        "a.pkl",
        "model.safetensors.index.json",
    ]


def test_links_to_files_are_followed_and_to_folders_are_not(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)
    (tree / "sub" / "link.pt").symlink_to(tree / "b.pt")

    found = discover([tree / "sub"], lambda path: False)

    assert names(found.files, tree)[1] == "sub/link.pt"
    assert len(found.files) == 4


def test_unreadable_folder_is_reported(tree: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tree / "sub").chmod(0)
    try:
        (problem,) = discover([tree], lambda path: False).unsearched
    finally:
        (tree / "sub").chmod(0o755)
    assert problem[0] == tree / "sub"
