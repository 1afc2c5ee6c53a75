"""The profile `safety`, and every selection of SEC alone, is closed."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from modlint.cli import main

Capture = pytest.CaptureFixture[str]
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 99\n"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report(capsys: Capture, *arguments: str) -> dict[str, Any]:
    main(["check", "--isolated", "--output-format", "json", *arguments])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def errors(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (verdict["rule"], verdict["message"])
        for file in found["files"]
        for verdict in file["verdicts"]
        if verdict["outcome"] == "fail" and verdict["severity"] == "error"
    ]


def keras(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"class_name": "Sequential"}')
        archive.writestr("model.weights.h5", HDF5)


def encrypted(path: Path) -> None:
    """A zip member whose flags say that it is encrypted; zipfile writes none such."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.npy", b"\x93NUMPY" + bytes(64))
    data = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + flags] |= 1
    path.write_bytes(data)


def truncated(path: Path) -> None:
    save_file({"w": torch.ones(64)}, path)
    path.write_bytes(path.read_bytes()[:-9])


UNEXAMINED: dict[str, Callable[[Path], object]] = {
    "model.keras": keras,
    "weights.h5": lambda path: path.write_bytes(HDF5),
    "model.safetensors": truncated,
    "model.nemo": lambda path: path.write_bytes(os.urandom(64).replace(b"\x80", b"\x81")),
    "model.bin": lambda path: path.write_bytes(b"\xff\xfe" + bytes(range(1, 60))),
    "model.7z": lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(32)),
    "model.pt": lambda path: path.write_text(POINTER),
    "model.onnx": lambda path: path.write_text("<html></html>"),
    "model.gguf": lambda path: path.write_bytes(b"GGUF\x03\0\0\0" + bytes(100)),
}


@pytest.mark.parametrize("select", ["safety", "SEC", "SEC001"])
@pytest.mark.parametrize("name", UNEXAMINED)
def test_what_was_not_wholly_examined_is_one_error(
    tmp_path: Path, capsys: Capture, name: str, select: str
) -> None:
    UNEXAMINED[name](tmp_path / name)
    for path in (name, "."):
        found = report(capsys, path, "--select", select)
        assert found["run"]["exit_code"] == 1
        (told,) = errors(found)
        assert told[0] == ("FMT001" if select == "safety" else "SEC001")
        if select != "safety":
            assert told[1].startswith("was not wholly examined: ")


@pytest.mark.parametrize("select", ["safety", "SEC"])
def test_an_encrypted_member_is_an_error(tmp_path: Path, capsys: Capture, select: str) -> None:
    encrypted(tmp_path / "weights.npz")
    assert errors(report(capsys, "weights.npz", "--select", select))


@pytest.mark.parametrize(("select", "severity"), [("safety", "error"), ("SEC", "error"), ("", "")])
def test_code_that_is_too_long_to_be_examined_is_an_error(
    tmp_path: Path, capsys: Capture, select: str, severity: str
) -> None:
    save_file({"w": torch.ones(64)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "modeling_x.Model"}}')
    (tmp_path / "modeling_x.py").write_text(f"{'# a line' * 10}\n" * 20_000 + "print('hello')\n")
    found = report(capsys, ".", *(("--select", select) if select else ()))
    assert found["run"]["exit_code"] == (1 if severity else 0)
    told = [told for told in errors(found) if "Python source was not examined" in told[1]]
    assert [rule for rule, _ in told] == (["SEC003"] if severity else [])


@pytest.mark.parametrize(
    ("name", "select", "severity"),
    [
        ("model.json", "", "note"),
        ("model.bin", "", "error"),
        ("model.json", "safety", "error"),
        ("model.json", "SEC", "error"),
    ],
)
def test_trees_that_are_not_read_are_an_error_where_safety_is_asked(
    tmp_path: Path, capsys: Capture, name: str, select: str, severity: str
) -> None:
    trees = {"learner": {"gradient_booster": {"model": {}}, "learner_model_param": {}}}
    (tmp_path / name).write_text(json.dumps(trees))
    found = report(capsys, name, *(("--select", select) if select else ()))
    told = [
        verdict["severity"]
        for verdict in found["files"][0]["verdicts"]
        if verdict["outcome"] == "fail"
    ]
    assert told == [severity]
    assert found["run"]["exit_code"] == int(severity == "error")


@pytest.mark.parametrize("select", ["NUM", "SEC,NUM"])
def test_other_selections_are_open(tmp_path: Path, capsys: Capture, select: str) -> None:
    keras(tmp_path / "model.keras")
    assert report(capsys, "model.keras", "--select", select)["run"]["exit_code"] == 0


def test_the_profile_is_closed_whatever_is_selected_beside_it(
    tmp_path: Path, capsys: Capture
) -> None:
    keras(tmp_path / "model.keras")
    arguments = ["--select", "safety,NUM", "--ignore", "FMT001"]
    (told,) = errors(report(capsys, "model.keras", *arguments))
    assert told[0] == "NUM001"


def test_a_configured_severity_does_not_open_it(tmp_path: Path, capsys: Capture) -> None:
    keras(tmp_path / "model.keras")
    setting = 'rules.unreadable.severity="note"'
    found = report(capsys, "model.keras", "--select", "safety", "--config", setting)
    assert found["run"]["exit_code"] == 1


def sentencepiece(path: Path) -> None:
    """The first pieces of a vocabulary, as the protobuf of sentencepiece writes them."""
    pieces = ((b"<unk>", b"\x18\x02"), (b"<s>", b"\x18\x03"), (b"</s>", b"\x18\x03"), (b"e", b""))
    for text, kind in pieces:
        piece = b"\x0a" + bytes([len(text)]) + text + b"\x15\0\0\0\0" + kind
        with path.open("ab") as file:
            file.write(b"\x0a" + bytes([len(piece)]) + piece)


HEALTHY: dict[str, Callable[[Path], object]] = {
    "healthy.pt": lambda path: torch.save({"w": torch.ones(3)}, path),
    "healthy.safetensors": lambda path: save_file({"w": torch.ones(3)}, path),
    "README.md": lambda path: path.write_text("# Read me\n"),
    "vocab.bin": lambda path: path.write_text("a\nb\n"),
    "tokenizer.model": sentencepiece,
    "image.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    "unknown": lambda path: path.write_bytes(b"\xff\xfe" + bytes(range(1, 60))),
}


@pytest.mark.parametrize("select", ["safety", "SEC"])
@pytest.mark.parametrize("name", HEALTHY)
def test_what_was_examined_or_promises_nothing_is_no_error(
    tmp_path: Path, capsys: Capture, name: str, select: str
) -> None:
    HEALTHY[name](tmp_path / name)
    for path in (name, "."):
        found = report(capsys, path, "--select", select)
        assert errors(found) == []
        assert found["run"]["exit_code"] == 0


def test_the_profile_is_its_rules(tmp_path: Path, capsys: Capture) -> None:
    HEALTHY["healthy.pt"](tmp_path / "healthy.pt")
    by_profile = report(capsys, "healthy.pt", "--select", "safety")["files"]
    by_codes = report(capsys, "healthy.pt", "--select", "SEC,FMT001")["files"]
    assert by_profile == by_codes
    assert main(["check", "healthy.pt", "--select", "safty"]) == 2
    assert "did you mean `safety`?" in capsys.readouterr().err
    assert report(capsys, "healthy.pt", "--ignore", "safety")["files"][0]["verdicts"]


def test_a_folder_is_one_thing(tmp_path: Path, capsys: Capture) -> None:
    """What stands beside the weights has no line of its own, and is said once."""
    for name in ("healthy.pt", "README.md", "image.png", "tokenizer.model"):
        HEALTHY[name](tmp_path / name)
    for name in ("config.json", "tokenizer_config.json", "merges.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "tf_model.h5").write_bytes(HDF5)
    with tarfile.open(tmp_path / "logs.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("log.txt"), io.BytesIO())
    found = report(capsys)
    assert [file["path"] for file in found["files"]] == ["healthy.pt"]
    assert found["run"]["exit_code"] == 0
    assert found["run"]["problems"] == []
    assert found["run"]["notes"] == [
        "not examined: 1 file of a format that is not read: tf_model.h5 (hdf5)",
        "7 other files looked at: no checkpoint",
    ]
