"""The zip container: its tricks, its damage, and TorchScript."""

from __future__ import annotations

import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from modlint.checkpoint import Checkpoint, Status
from modlint.errors import UnreadableError
from modlint.source import Source, open_source
from modlint_plugins.readers.torch.zip import TorchZipReader

Read = Callable[[Path], Checkpoint]
Compare = Callable[[Checkpoint, Any], None]

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.bfloat16)}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    torch.save(STATE, path)
    return path


def repacked(
    path: Path,
    change: Callable[[str, bytes], bytes | None] = lambda _, data: data,
    rename: Callable[[str], str] = lambda name: name,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """A copy with its members changed, renamed, or left out."""
    target = path.with_name("repacked.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(rename(name), data)
    return target


def kinds(checkpoint: Checkpoint) -> list[str]:
    return [fault.kind for fault in checkpoint.faults]


def test_any_folder_name_will_do(saved: Path, read: Read, assert_same_tensors: Compare) -> None:
    for folder in ("weird name!/", ""):
        path = repacked(saved, rename=lambda name, to=folder: to + name.partition("/")[2])
        assert_same_tensors(read(path), STATE)


def test_deflated_members_are_inflated(
    saved: Path, read: Read, assert_same_tensors: Compare
) -> None:
    checkpoint = read(repacked(saved, compression=zipfile.ZIP_DEFLATED))
    assert_same_tensors(checkpoint, STATE)
    assert all(tensor.offset is None for tensor in checkpoint.tensors.values())


def test_what_the_archive_says_of_itself(saved: Path, read: Read) -> None:
    metadata = read(saved).metadata
    assert metadata["archive.version"] == "3"
    assert metadata["archive.byteorder"] == "little"
    assert metadata["archive.serialization_id"].isdigit()


def test_storage_location_and_member(saved: Path, read: Read) -> None:
    storage = read(saved).tensors["a"].storage
    assert (storage.key, storage.member, storage.location) == ("0", "model/data/0", "cpu")


def test_big_endian_numbers_are_swapped(
    saved: Path, read: Read, assert_same_tensors: Compare
) -> None:
    def swap(name: str, data: bytes) -> bytes:
        if name.endswith("byteorder"):
            return b"big"
        width = {"model/data/0": 4, "model/data/1": 2}.get(name, 1)
        return b"".join(data[at : at + width][::-1] for at in range(0, len(data), width))

    checkpoint = read(repacked(saved, swap))
    assert [remark.kind for remark in checkpoint.remarks] == ["big-endian"]
    assert_same_tensors(checkpoint, STATE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-4], "storage '0' holds 20 bytes where the pickle states 24"),
        (lambda data: data + b"1234", "storage '0' holds 28 bytes where the pickle states 24"),
        (lambda _: None, "the archive lacks this storage"),
    ],
)
def test_a_wrong_storage_is_a_fault_and_the_others_are_read(
    saved: Path, read: Read, change: Callable[[bytes], bytes | None], message: str
) -> None:
    path = repacked(saved, lambda name, data: change(data) if name.endswith("data/0") else data)
    checkpoint = read(path)
    assert list(checkpoint.tensors) == ["b"]
    assert checkpoint.status is Status.CHECKED
    (fault,) = checkpoint.faults
    assert fault.kind == "bad-storage"
    assert fault.member is not None
    assert fault.member.endswith("/data/0")
    assert message in fault.message


def test_a_view_outside_its_storage_is_a_fault(saved: Path, read: Read) -> None:
    # BININT1 0 (storage offset), then the size (2, 3): the offset becomes 1.
    path = repacked(saved, lambda _, data: data.replace(b"K\x00K\x02K\x03", b"K\x01K\x02K\x03"))
    checkpoint = read(path)
    assert list(checkpoint.tensors) == ["b"]
    assert (
        "reaches to element 6, outside of its storage of 24 bytes" in checkpoint.faults[0].message
    )


def test_a_view_that_repeats_its_storage_without_end_is_a_fault(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "bomb.pt"
    torch.save({"w": torch.ones(1).expand(1 << 20, 1 << 20)}, path)
    checkpoint = read(path)
    assert not checkpoint.tensors
    assert "repeats its storage of 4 bytes" in checkpoint.faults[0].message


def test_repeated_keys_are_told_apart(saved: Path, read: Read) -> None:
    path = repacked(saved, lambda _, data: data.replace(b"X\x01\0\0\0b", b"X\x01\0\0\0a"))
    checkpoint = read(path)
    assert list(checkpoint.tensors) == ["a", "a#2"]
    assert [remark.kind for remark in checkpoint.remarks] == ["duplicate-key"]


def test_every_pickle_of_the_archive_is_traced(saved: Path, read: Read) -> None:
    payload = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the duplicate name
        with zipfile.ZipFile(saved, "a") as archive:
            for name in ("model/extra.pkl", "model/readme", "model/data.pkl", "other/data.pkl"):
                archive.writestr(name, payload)
    checkpoint = read(saved)
    hidden = [t.member for t in checkpoint.pickles if any(u.name == "system" for u in t.uses)]
    assert hidden == ["model/extra.pkl", "model/readme", "model/data.pkl", "other/data.pkl"]
    assert list(checkpoint.tensors) == ["a", "b"]
    assert "duplicate-member" in [remark.kind for remark in checkpoint.remarks]


def test_a_pickle_behind_stop_and_one_in_a_storage_are_traced(saved: Path, read: Read) -> None:
    payload = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."

    def change(name: str, data: bytes) -> bytes:
        if name.endswith("data.pkl"):
            return data + payload + b"rest"
        return payload[:24].ljust(24) if name.endswith("data/0") else data

    checkpoint = read(repacked(saved, change))
    found = [(t.member, u.name) for t in checkpoint.pickles for u in t.uses if u.module == "os"]
    assert found == [("model/data.pkl", "system"), ("model/data/0", "system")]
    assert "trailing-bytes" in [remark.kind for remark in checkpoint.remarks]
    assert list(checkpoint.tensors) == ["a", "b"]


def test_a_broken_pickle_keeps_what_came_before(saved: Path, read: Read) -> None:
    path = repacked(saved, lambda n, data: data[:-9] if n.endswith("data.pkl") else data)
    checkpoint = read(path)
    assert kinds(checkpoint) == ["broken-pickle"]
    (trace, *_) = checkpoint.pickles
    assert trace.incomplete is not None
    assert trace.member == "model/data.pkl"
    assert "torch._utils._rebuild_tensor_v2" in [use.qualified for use in trace.uses]


def test_a_truncated_archive_is_claimed_and_unreadable(saved: Path) -> None:
    view = memoryview(saved.read_bytes())
    reader = TorchZipReader()
    for length in (200, len(view) // 2, len(view) - 30):
        source = Source(saved, view[:length])
        assert reader.sniff(source)
        with pytest.raises(UnreadableError, match=r"^truncated: "):
            reader.read(source)


def test_other_zip_archives_are_not_claimed(saved: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(saved, "policy.pth")
        archive.writestr("deep/er/data.pkl", b"N.")
    reader = TorchZipReader()
    assert not reader.sniff(open_source(bundle))
    assert not reader.sniff(Source(saved, memoryview(b"PK\x03\x04 nothing else")))
    assert not reader.sniff(Source(saved, memoryview(b"")))


def test_a_member_that_inflates_to_more_than_deflate_can(saved: Path, read: Read) -> None:
    path = repacked(saved, compression=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    while not content[at + 46 :].startswith(b"model/data.pkl"):
        at = content.index(b"PK\x01\x02", at + 4)
    struct.pack_into("<I", content, at + 24, 0x7FFFFFFF)
    path.write_bytes(content)
    checkpoint = read(path)
    assert checkpoint.status is Status.UNREADABLE
    assert "claims to inflate to 2,147,483,647 bytes" in checkpoint.faults[0].message


def test_other_compression_is_a_fault(saved: Path, read: Read) -> None:
    path = repacked(saved, lambda name, data: None if name.endswith("data/0") else data)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("model/data/0", bytes(24))
    checkpoint = read(path)
    assert list(checkpoint.tensors) == ["b"]
    assert "compressed by method 12" in checkpoint.faults[0].message


def test_offsets_beyond_4_gib_are_taken_from_the_zip64_extra(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "wide.pt"
    torch.save(STATE, path)
    wide = tmp_path / "wide64.pt"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(wide, "w") as new:
        for name in old.namelist():
            with new.open(name, "w", force_zip64=True) as member:
                member.write(old.read(name))
    content = bytearray(wide.read_bytes())
    # Move the directory's sizes and offsets of each entry into a zip64 extra field.
    end = content.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<I", content, end + 16)[0]
    directory, at = b"", start
    while content[at : at + 4] == b"PK\x01\x02":
        header = bytearray(content[at : at + 46])
        stored, size = struct.unpack_from("<II", header, 20)
        name_length, extra_length = struct.unpack_from("<HH", header, 28)
        (offset,) = struct.unpack_from("<I", header, 42)
        extra = struct.pack("<HHQQQ", 1, 24, size, stored, offset)
        struct.pack_into("<II", header, 20, 0xFFFFFFFF, 0xFFFFFFFF)
        struct.pack_into("<H", header, 30, len(extra))
        struct.pack_into("<I", header, 42, 0xFFFFFFFF)
        directory += header + content[at + 46 : at + 46 + name_length] + extra
        at += 46 + name_length + extra_length
    size, count = len(directory), struct.unpack_from("<H", content, end + 10)[0]
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    wide.write_bytes(content[:start] + directory + end64 + locator + tail)
    with zipfile.ZipFile(wide) as check:
        assert len(check.namelist()) == count
    assert list(read(wide).tensors) == ["a", "b"]


class Scripted(nn.Module):
    """A module for TorchScript."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
        self.register_buffer("mean", torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x - self.mean) * torch.tensor([0.5])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("how", ["script", "trace"])
def test_torchscript(tmp_path: Path, read: Read, how: str) -> None:
    path = tmp_path / "scripted.pt"
    module = Scripted()
    example = torch.ones(1, 3)
    made = torch.jit.script(module) if how == "script" else torch.jit.trace(module, example)
    torch.jit.save(made, path)
    checkpoint = read(path)
    assert checkpoint.format == "torchscript"
    assert checkpoint.faults == ()
    state = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    found = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    constants = {name for name in found if name.startswith("constants.")}
    assert {name: shape for name, shape in found.items() if name not in constants} == state
    assert constants == (set() if how == "script" else {"constants.0"})
    classes = {u.module.split(".")[0] for t in checkpoint.pickles for u in t.uses}
    assert "__torch__" in classes
