"""Files that are named for what they are, made by the programs that write them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from modlint.checkpoint import Checkpoint, Status
from modlint.loading import load
from modlint.reader import Reader
from modlint.source import Source, open_source
from modlint_plugins.readers.lfs_pointer import LfsPointerReader
from modlint_plugins.readers.recognised import recognised_readers
from modlint_plugins.readers.safetensors import SafetensorsReader

KNOWN: tuple[Reader, ...] = (SafetensorsReader(), LfsPointerReader())
READERS = (*KNOWN, *recognised_readers(KNOWN))


def only(path: Path) -> Checkpoint:
    (checkpoint,) = load(path, READERS)
    return checkpoint


def zip_of(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")


def tar_of(path: Path, *names: str, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 7
            archive.addfile(member, io.BytesIO(b"content"))


def export(path: Path) -> None:
    program = torch.export.export(torch.nn.Linear(3, 2), (torch.ones(1, 3),))
    torch.export.save(program, path)


def distributed(path: Path) -> None:
    from torch.distributed import checkpoint

    state = {"a.weight": torch.ones(3, 4), "a.bias": torch.ones(3)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checkpoint.save(state, checkpoint_id=path.with_name("parts"), no_dist=True)
    (part,) = path.with_name("parts").glob("*.distcp")
    part.rename(path)


def saved_model(path: Path) -> None:
    graph = b"\x0a\x04\x12\x02v1" + b"\x12\x64" + bytes(100)
    path.write_bytes(b"\x08\x01\x12" + bytes([len(graph)]) + graph)


WEIGHTS: dict[str, Callable[[Path], object]] = {
    "hdf5": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "gguf": lambda path: path.write_bytes(b"GGUF\x03\0\0\0" + bytes(100)),
    "tflite": lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100)),
    "tf-saved-model": saved_model,
    "exported-program": export,
    "distcp": distributed,
    "torchscript-json": lambda path: zip_of(path, "m/model.json", "m/tensors/0", "m/code/m.py"),
    "keras": lambda path: zip_of(path, "config.json", "metadata.json", "model.weights.h5"),
    "stable-baselines3": lambda path: zip_of(
        path, "data", "policy.pth", "policy.optimizer.pth", "_stable_baselines3_version"
    ),
    "torch-model-archive": lambda path: zip_of(path, "MAR-INF/MANIFEST.json", "weights.pth"),
    "zip": lambda path: zip_of(path, "model.pth", "readme.txt"),
    "torch-tar": lambda path: tar_of(path, "sys_info", "pickle", "storages", "tensors"),
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


def sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
    connection.close()


OTHERS: dict[str, Callable[[Path], object]] = {
    "npy": lambda path: np.save(path, np.ones(3)),
    "npz": lambda path: np.savez(path, a=np.ones(3)),
    "zip": lambda path: zip_of(path, "readme.txt"),
    "tar": lambda path: tar_of(path, "readme.txt"),
    "gzip": lambda path: path.write_bytes(gzip.compress(b"content")),
    "bzip2": lambda path: path.write_bytes(bz2.compress(b"content")),
    "xz": lambda path: path.write_bytes(lzma.compress(b"content")),
    "7z": lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(32)),
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
    "shard-index": lambda path: path.write_text('{"metadata": {}, "weight_map": {"a": "b"}}'),
    "text": lambda path: path.write_text("Übung\n" * 2_000, encoding="utf-8"),
}


@pytest.mark.parametrize("format", OTHERS)
def test_other_files_are_named_as_no_checkpoint(tmp_path: Path, format: str) -> None:
    suffix = {"npy": ".npy", "npz": ".npz"}.get(format, ".pt")
    path = tmp_path / f"model{suffix}"
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


def objects(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def records(path: Path) -> None:
    np.save(path, np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]), allow_pickle=True)


def old_objects(path: Path) -> None:
    objects(path)
    path.write_bytes(path.read_bytes().replace(b"'|O', ", b"'<O8',", 1))


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.npy", objects),
        ("b.npy", records),
        ("c.npy", old_objects),
        ("a.npz", lambda path: np.savez(path, a=np.ones(3), b=np.array([None]))),
        ("b.npz", lambda path: np.savez_compressed(path, b=np.array([None]))),
        ("a.zip", lambda path: zip_of(path, "model/config.pkl")),
    ],
)
def test_pickles_within_are_an_error(
    tmp_path: Path, name: str, save: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    save(path)

    checkpoint = only(path)

    assert checkpoint.status is Status.UNREADABLE
    assert "pickle" in checkpoint.faults[0].message


def test_user_block_before_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(bytes(512) + b"\x89HDF\r\n\x1a\n" + bytes(100))

    assert only(path).format == "hdf5"


def test_help_names_the_checkpoints_in_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "agent.zip"
    zip_of(path, "data", "policy.pth", "policy.optimizer.pth", "_stable_baselines3_version")

    (fault,) = only(path).faults

    assert fault.help == "unzip it and check policy.pth, policy.optimizer.pth"


@pytest.mark.parametrize("member", ["policy.pth", "a.txt"])
@pytest.mark.parametrize("comment", [b"", b"x" * 65_535])
def test_zip_directory_is_found_behind_a_comment(
    tmp_path: Path, member: str, comment: bytes
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, b"content")
        archive.comment = comment

    assert only(path).status is (
        Status.UNREADABLE if member.endswith("pth") else Status.NOT_A_CHECKPOINT
    )


def test_damaged_zip_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    zip_of(path, "a.txt")
    path.write_bytes(path.read_bytes()[:40])

    checkpoint = only(path)

    assert checkpoint.remarks[0].message == "is a zip archive that is cut off or damaged"


def test_weak_evidence_gives_way_to_another_reader(tmp_path: Path) -> None:
    class Everything:
        name = family = "everything"
        description = "claims all"

        def sniff(self, source: Source) -> bool:
            return True

        def read(self, source: Source) -> Checkpoint:
            return Checkpoint(source.path, self.name, source.nbytes)

    zip_of(tmp_path / "a.zip", "readme.txt")
    (tmp_path / "a.txt").write_text("text")
    readers = (Everything(), *recognised_readers([Everything()]))

    for name in ("a.zip", "a.txt"):
        (checkpoint,) = load(tmp_path / name, readers)
        assert checkpoint.format == "everything"


def test_image_with_a_zip_behind_it_is_a_polyglot(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    tar_of(path, "a.txt")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + path.read_bytes()[8:])

    checkpoints = load(path, READERS)

    assert {c.format for c in checkpoints} == {"png", "tar"}
    assert all(c.remarks[-1].kind == "polyglot" for c in checkpoints)


@pytest.mark.parametrize("content", [bytes(range(256)) * 20, b"\0\0\0\1" * 99])
def test_unknown_content_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(content)

    assert not any(reader.sniff(open_source(path)) for reader in READERS)


def test_damaged_archives_do_not_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    zip_of(path, "policy.pth", "b.pth")
    whole = path.read_bytes()
    tar_of(path, "a", "b")
    tar = path.read_bytes()
    for content in (whole, tar):
        for cut in range(0, len(content), 1 + len(content) // 40):
            path.write_bytes(content[:cut])
            load(path, READERS)
            path.write_bytes(content[:cut] + b"\xff" * 8 + content[cut + 8 :])
            assert not any("internal" in f.message for c in load(path, READERS) for f in c.faults)
