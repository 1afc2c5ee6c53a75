"""Distributed checkpoints that torch writes, against what torch reads."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, MetadataIndex

from modlint.checkpoint import Checkpoint, Status
from modlint_plugins.readers import contained

Read = Callable[[Path], Checkpoint]
STATE = {
    "a.weight": torch.arange(12.0).reshape(3, 4),
    "a.bias": torch.ones(3, dtype=torch.bfloat16),
    "optimizer": {"step": torch.tensor(3)},
    "epoch": 7,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.save(STATE, checkpoint_id=tmp_path / "parts", no_dist=True)
    return tmp_path / "parts"


def tensors() -> dict[str, torch.Tensor]:
    return {
        "a.weight": torch.zeros(3, 4),
        "a.bias": torch.zeros(3, dtype=torch.bfloat16),
        "optimizer.step": torch.tensor(0),
    }


def test_metadata_names_the_tensors(
    folder: Path, load_any: Read, assert_same_elements: Any
) -> None:
    checkpoint = load_any(folder / ".metadata")

    assert checkpoint.status is Status.CHECKED
    assert checkpoint.format == "torch-distributed"
    assert not checkpoint.faults
    theirs = tensors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.load(theirs, checkpoint_id=folder, no_dist=True)
    assert_same_elements(checkpoint, theirs)
    members = {trace.member for trace in checkpoint.pickles}
    assert None in members
    assert "__0_0.distcp!archive/data.pkl" in members


def test_a_part_of_too_many_archives_is_read_up_to_the_limit(
    folder: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "MAX_MEMBERS", 1)
    checkpoint = load_any(folder / "__0_0.distcp")
    assert "limit" in {fault.kind for fault in checkpoint.faults}
    assert any("more than 1 members" in fault.message for fault in checkpoint.faults)


def test_part_alone(folder: Path, load_any: Read) -> None:
    checkpoint = load_any(folder / "__0_0.distcp")

    assert checkpoint.format == "distcp"
    assert not checkpoint.faults
    shapes = sorted(tensor.shape for tensor in checkpoint.tensors.values())
    assert shapes == [(), (3,), (3, 4)]
    assert len(checkpoint.pickles) == 4
    content = (folder / "__0_0.distcp").read_bytes()
    for tensor in checkpoint.tensors.values():
        assert tensor.offset is not None
        data = bytes(tensor.storage.read())
        assert content[tensor.offset :][: len(data)] == data


def split(folder: Path) -> None:
    """Write the weight as two chunks of two columns each, in parts of their own."""
    with (folder / ".metadata").open("rb") as file:
        metadata = pickle.load(file)  # written above
    weight = STATE["a.weight"]
    assert isinstance(weight, torch.Tensor)
    metadata.storage_data = {
        index: info for index, info in metadata.storage_data.items() if index.fqn != "a.weight"
    }
    chunks = []
    for number, first in enumerate((0, 2)):
        chunk = weight[:, first : first + 2].clone()
        name = f"__{number}_9.distcp"
        torch.save(chunk, folder / name)
        offset = torch.Size((0, first))
        chunks.append(ChunkStorageMetadata(offset, chunk.shape))
        length = (folder / name).stat().st_size
        metadata.storage_data[MetadataIndex("a.weight", offset)] = _StorageInfo(name, 0, length)
    metadata.state_dict_metadata["a.weight"].chunks = chunks
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))


def test_chunks_are_put_together(folder: Path, load_any: Read, assert_same_elements: Any) -> None:
    split(folder)

    checkpoint = load_any(folder / ".metadata")

    theirs = tensors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.load(theirs, checkpoint_id=folder, no_dist=True)
    assert_same_elements(checkpoint, theirs)


def test_missing_part(folder: Path, load_any: Read) -> None:
    split(folder)
    (folder / "__1_9.distcp").unlink()

    checkpoint = load_any(folder / ".metadata")

    assert "missing-shard" in {remark.kind for remark in checkpoint.remarks}
    assert "hold 6 of its 12 elements" in checkpoint.faults[0].message


def test_escape_in_a_part_name(folder: Path, load_any: Read, tmp_path: Path) -> None:
    (tmp_path / "secret.distcp").write_bytes((folder / "__0_0.distcp").read_bytes())
    metadata = (folder / ".metadata").read_bytes()
    name = b"../secret.distcp"
    old = b"\x8c\x0c__0_0.distcp"
    assert old in metadata
    changed = metadata.replace(old, b"\x8c" + bytes([len(name)]) + name)
    changed = changed.replace(metadata[2:11], b"", 1)  # without the FRAME, whose size is wrong
    (folder / ".metadata").write_bytes(changed)

    checkpoint = load_any(folder / ".metadata")

    (remark,) = (r for r in checkpoint.remarks if r.kind == "path-escape")
    assert remark.member == "../secret.distcp"
    assert not checkpoint.tensors


def test_payload_in_a_part(folder: Path, load_any: Read, hostile: object) -> None:
    part = folder / "__0_0.distcp"
    torch.save(hostile, folder / "evil.pt")
    part.write_bytes(part.read_bytes() + (folder / "evil.pt").read_bytes())

    checkpoint = load_any(part)

    uses = [use for trace in checkpoint.pickles for use in trace.uses]
    assert any(use.rendered == "posix.system('exit 1')" for use in uses)


def test_bytes_before_the_first_archive(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "a.pt"
    torch.save(STATE, path)
    path.write_bytes(b"PK\x03\x04" + bytes(100) + path.read_bytes())

    checkpoint = load_any(path)

    assert "leading-bytes" in {remark.kind for remark in checkpoint.remarks}
    assert "0.a.weight" in checkpoint.tensors


def test_a_part_that_is_cut_off_is_damaged(folder: Path, load_any: Read) -> None:
    (part,) = folder.glob("*.distcp")
    part.write_bytes(part.read_bytes()[:-100])

    checkpoint = load_any(folder / ".metadata")

    told = [fault for fault in checkpoint.faults if fault.kind == "damaged-member"]
    assert told
    assert all(fault.member == part.name for fault in told)
    assert "is not wholly there" in told[0].message
