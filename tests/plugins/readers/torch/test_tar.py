"""PyTorch's tar files, built by hand; torch itself reads the first one too."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from modlint.checkpoint import Checkpoint, Status

Read = Callable[[Path], Checkpoint]


class Key(str):
    """Stands for a persistent id."""


class Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return str(value) if isinstance(value, Key) else None


def pickled(value: Any) -> bytes:
    stream = io.BytesIO()
    Pickler(stream, 2).dump(value)
    return stream.getvalue()


def members(value: Any) -> dict[str, bytes]:
    weight = struct.pack("<6f", *range(6))
    bias = struct.pack("<4d", *range(4))
    storages = b"".join(
        (
            pickled(2),
            pickled((1, "cpu", torch.FloatStorage)) + struct.pack("<q", 6) + weight,
            pickled((2, "cpu", torch.DoubleStorage)) + struct.pack("<q", 4) + bias,
            pickled([(3, 2, 1, 3)]),
        )
    )
    tensors = b"".join(
        (
            pickled(2),
            pickled((10, 1, torch.FloatTensor)),
            struct.pack("<ii2q2qq", 2, 0, 3, 2, 1, 3, 0),
            pickled((11, 3, torch.DoubleTensor)),
            struct.pack("<iiqqq", 1, 0, 2, 1, 1),
        )
    )
    facts = {"protocol_version": 1000, "little_endian": True}
    return {
        "sys_info": pickled(facts),
        "pickle": pickled(value),
        "storages": storages,
        "tensors": tensors,
    }


def write(path: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


STATE = OrderedDict(weight=Key("10"), bias=Key("11"), epoch=3)


def test_as_torch_reads_it(tmp_path: Path, load_any: Read, assert_same_elements: Any) -> None:
    path = write(tmp_path / "old.pt", members(STATE))

    checkpoint = load_any(path)

    assert checkpoint.status is Status.CHECKED
    assert checkpoint.format == "torch-tar"
    assert not checkpoint.faults
    theirs = torch.load(path, weights_only=False)  # the file was written above
    assert_same_elements(checkpoint, theirs)
    assert checkpoint.tensors["weight"].strides == theirs["weight"].stride()
    assert {trace.member for trace in checkpoint.pickles} == set(members(STATE))
    weight = checkpoint.tensors["weight"]
    assert weight.storage.member == "storages"
    assert weight.offset is not None
    assert path.read_bytes()[weight.offset :][:24] == struct.pack("<6f", *range(6))


def test_payloads_in_every_member(tmp_path: Path, load_any: Read, hostile: object) -> None:
    content = members(hostile)
    content = {name: data + pickle.dumps(hostile) for name, data in content.items()}
    content["extra.pkl"] = pickle.dumps(hostile)

    checkpoint = load_any(write(tmp_path / "old.pt", content))

    called = [t.member for t in checkpoint.pickles if any(u.module == "posix" for u in t.uses)]
    assert set(called) == {"pickle", "storages", "tensors", "extra.pkl"}


def test_truncated_storages(tmp_path: Path, load_any: Read) -> None:
    content = members(STATE)
    content["storages"] = content["storages"][:100]

    checkpoint = load_any(write(tmp_path / "old.pt", content))

    assert checkpoint.faults
    assert checkpoint.faults[0].member == "storages"


def faults_of(path: Path, load_any: Read, **changed: bytes) -> list[str]:
    checkpoint = load_any(write(path / "old.pt", {**members(STATE), **changed}))
    return [fault.message for fault in checkpoint.faults]


def test_a_tensor_that_nothing_refers_to_past_its_storage(tmp_path: Path, load_any: Read) -> None:
    """PyTorch moves the storage for it, and views of that storage stay behind."""
    tensors = members(STATE)["tensors"][len(pickled(2)) :]
    large = pickled((12, 1, torch.FloatTensor)) + struct.pack("<iiqqq", 1, 0, 1 << 20, 1, 0)

    faults = faults_of(tmp_path, load_any, tensors=pickled(3) + tensors + large)

    assert any("outside of its storage" in fault for fault in faults)


def test_two_entries_of_one_key(tmp_path: Path, load_any: Read) -> None:
    """To PyTorch 1 and "1" are two storages, 1 and True are one."""
    storages = members(STATE)["storages"]
    for key in (1, "1", True):
        more = pickled((key, "cpu", torch.FloatStorage)) + struct.pack("<q2f", 2, 1, 2)
        views = storages.index(pickled([(3, 2, 1, 3)]))
        content = pickled(3) + storages[len(pickled(2)) : views] + more + storages[views:]

        faults = faults_of(tmp_path, load_any, storages=content)

        assert any("stands for several" in fault for fault in faults)


def test_real_files(shared: Path, load_any: Read) -> None:
    checkpoint = load_any(shared / "models/tracel-ai__burn/tar_multi_dtype.tar")

    found = {name: (tensor.dtype.name, tensor.shape) for name, tensor in checkpoint.tensors.items()}
    assert found == {
        "float_tensor": ("float32", (3,)),
        "double_tensor": ("float64", (2,)),
        "int_tensor": ("int64", (4,)),
    }
    assert bytes(checkpoint.tensors["int_tensor"].storage.read()) == struct.pack(
        "<4q", 10, 20, 30, 40
    )
