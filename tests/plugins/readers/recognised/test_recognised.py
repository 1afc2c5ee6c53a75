"""Files that are named for what they are, made by the programs that write them."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modlint.checkpoint import Checkpoint, Status
from modlint.engine.load import load
from modlint.reader import Reader
from modlint.source import Source, open_source
from modlint_plugins.readers.lfs_pointer import LfsPointerReader
from modlint_plugins.readers.recognised.reader import recognised_readers
from modlint_plugins.readers.safetensors.reader import SafetensorsReader

KNOWN: tuple[Reader, ...] = (SafetensorsReader(), LfsPointerReader())
READERS = (*KNOWN, *recognised_readers(KNOWN))


def only(path: Path) -> Checkpoint:
    (checkpoint,) = load(path, READERS)
    return checkpoint


def saved_model(path: Path) -> None:
    graph = b"\x0a\x04\x12\x02v1" + b"\x12\x64" + bytes(100)
    path.write_bytes(b"\x08\x01\x12" + bytes([len(graph)]) + graph)


WEIGHTS: dict[str, Callable[[Path], object]] = {
    "hdf5": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "ggml": lambda path: path.write_bytes(b"lmgg" + bytes(100)),
    "tflite": lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100)),
    "tf-saved-model": saved_model,
    "7z": lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(32)),
    "rar": lambda path: path.write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(32)),
    "zstd": lambda path: path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(32)),
    "lz4": lambda path: path.write_bytes(b"\x04\x22\x4d\x18" + bytes(32)),
}


@pytest.mark.parametrize("format", WEIGHTS)
def test_weights_of_another_format_are_named_and_not_called_damaged(
    tmp_path: Path, format: str
) -> None:
    path = tmp_path / "model.pt2"
    WEIGHTS[format](path)

    checkpoint = only(path)

    assert checkpoint.status is Status.UNREADABLE
    assert checkpoint.format == format
    (fault,) = checkpoint.faults
    assert fault.kind == "format-not-read"
    assert fault.message.endswith("which this version of modlint does not read")
    assert fault.help


def test_a_frame_that_readers_skip_hides_no_compression(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl.zst"
    path.write_bytes(b"\x5a\x2a\x4d\x18\4\0\0\0abcd\x28\xb5\x2f\xfd" + bytes(32))
    checkpoint = only(path)
    assert (checkpoint.status, checkpoint.format) == (Status.UNREADABLE, "zstd")


def sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
    connection.close()


OTHERS: dict[str, Callable[[Path], object]] = {
    "png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    "jpeg": lambda path: path.write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF"),
    "wav": lambda path: path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt "),
    "pe": lambda path: path.write_bytes(b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0"),
    "pdf": lambda path: path.write_bytes(b"%PDF-1.7\n%\xb5\xb5"),
    "sqlite": sqlite,
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(100_000)),
    "html": lambda path: path.write_text("\n<!DOCTYPE html><html></html>"),
    "xml": lambda path: path.write_text('<?xml version="1.0"?><Error/>'),
    "json": lambda path: path.write_text('{"a": 1}'),
    "text": lambda path: path.write_text("Übung\n" * 2_000, encoding="utf-8"),
}


@pytest.mark.parametrize("format", OTHERS)
def test_other_files_are_named_as_no_checkpoint(tmp_path: Path, format: str) -> None:
    path = tmp_path / "model.pt"
    OTHERS[format](path)

    checkpoint = only(path)

    assert checkpoint.status is Status.NOT_A_CHECKPOINT
    assert checkpoint.format == format
    (remark,) = checkpoint.remarks
    assert remark.message.startswith("is ")
    assert remark.help


def test_running_program_is_named() -> None:
    if sys.platform != "linux":
        pytest.skip("the interpreter is no ELF file here")
    assert only(Path(sys.executable).resolve()).format == "elf"


def test_user_block_before_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(bytes(512) + b"\x89HDF\r\n\x1a\n" + bytes(100))

    assert only(path).format == "hdf5"


def test_weak_evidence_gives_way_to_another_reader(tmp_path: Path) -> None:
    class Everything:
        name = family = "everything"
        description = "claims all"

        def sniff(self, source: Source) -> bool:
            return True

        def read(self, source: Source) -> Checkpoint:
            return Checkpoint(source.path, self.name, source.nbytes)

    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.txt").write_text("text")
    readers = (Everything(), *recognised_readers([Everything()]))

    for name in ("a.json", "a.txt"):
        (checkpoint,) = load(tmp_path / name, readers)
        assert checkpoint.format == "everything"


@pytest.mark.parametrize("content", [bytes(range(256)) * 20, b"\0\0\0\1" * 99])
def test_unknown_content_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(content)

    assert not any(reader.sniff(open_source(path)) for reader in READERS)


def test_only_formats_of_weights_are_sought_in_folders() -> None:
    sought = {reader.name: getattr(reader, "sought", True) for reader in recognised_readers(KNOWN)}
    assert {name for name, seeks in sought.items() if not seeks} == {
        "other-file", "blank", "json", "text",
    }  # fmt: skip
