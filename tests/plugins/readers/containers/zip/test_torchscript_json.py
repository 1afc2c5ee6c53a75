"""TorchScript of PyTorch 1.0 to 1.3, built by hand: today's torch writes it no longer."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modlint.checkpoint import Checkpoint, Status

Read = Callable[[Path], Checkpoint]


def entry(key: str, dims: list[int], strides: list[int], **more: Any) -> dict[str, Any]:
    return {
        "dims": [str(size) for size in dims],
        "strides": [str(step) for step in strides],
        "dataType": "FLOAT",
        "data": {"key": key},
        "device": "cpu",
        **more,
    }


MODEL = {
    "protoVersion": "2",
    "mainModule": {
        "name": "Net",
        "parameters": [{"name": "scale", "tensorId": "2"}],
        "submodules": [
            {
                "name": "fc",
                "parameters": [
                    {"isBuffer": False, "name": "weight"},
                    {"isBuffer": False, "name": "bias", "tensorId": "1"},
                ],
            }
        ],
    },
    "producerName": "pytorch",
    "producerVersion": "1.0",
    "tensors": [
        entry("tensors/0", [2, 3], [1, 2]),
        entry("tensors/1", [2], [1], offset="1"),
        entry("tensors/2", [], [], dataType="DOUBLE"),
        entry("tensors/2", [], [], dataType="INT64"),
    ],
}
TENSORS = {
    "net/tensors/0": struct.pack("<6f", *range(6)),
    "net/tensors/1": struct.pack("<3f", 7, 8, 9),
    "net/tensors/2": struct.pack("<d", 0.5),
}


def write(path: Path, model: Any, **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/version", "1")
        archive.writestr("net/code/net.py", "op_version_set = 0\n")
        archive.writestr("net/model.json", json.dumps(model))
        for name, content in {**TENSORS, **more}.items():
            archive.writestr(name, content)
    return path


def test_tensors_of_modules(tmp_path: Path, load_any: Read) -> None:
    checkpoint = load_any(write(tmp_path / "net.pt", MODEL))

    assert checkpoint.status is Status.CHECKED
    assert checkpoint.format == "torchscript"
    assert not checkpoint.faults
    tensors = checkpoint.tensors
    assert list(tensors) == ["scale", "fc.weight", "fc.bias", "constants.3"]
    weight, bias, scale = tensors["fc.weight"], tensors["fc.bias"], tensors["scale"]
    assert (weight.shape, weight.strides, weight.dtype.name) == ((2, 3), (1, 2), "float32")
    assert (bias.shape, bias.storage_offset) == ((2,), 1)
    assert bytes(bias.storage.read()) == TENSORS["net/tensors/1"]
    assert (scale.shape, scale.dtype.name) == ((), "float64")
    assert tensors["constants.3"].storage is scale.storage
    assert bias.offset is not None
    content = (tmp_path / "net.pt").read_bytes()
    assert content[bias.offset :][:8] == struct.pack("<2f", 8, 9)


def test_pickled_attributes_are_traced(tmp_path: Path, load_any: Read, hostile: object) -> None:
    attributes = {"net/attributes.pkl": pickle.dumps(hostile)}
    checkpoint = load_any(write(tmp_path / "net.pt", MODEL, **attributes))

    (trace,) = checkpoint.pickles
    assert (trace.member, trace.uses[0].qualified) == ("net/attributes.pkl", "posix.system")


def test_wrong_descriptions_are_faults(tmp_path: Path, load_any: Read) -> None:
    for change in ({"dims": ["99"], "strides": ["1"]}, {"dataType": "X"}, {"dims": ["x"]}):
        tensors = [{**MODEL["tensors"][0], **change}, *MODEL["tensors"][1:]]  # type: ignore[index, dict-item]
        checkpoint = load_any(write(tmp_path / "net.pt", {**MODEL, "tensors": tensors}))

        assert len(checkpoint.faults) == 1
        assert len(checkpoint.tensors) == 3
    missing = {**MODEL, "tensors": []}
    assert len(load_any(write(tmp_path / "net.pt", missing)).faults) == 3
    assert load_any(write(tmp_path / "net.pt", [])).status is Status.UNREADABLE


def test_real_file(shared: Path, load_any: Read) -> None:
    checkpoint = load_any(shared / "models/torch-js__torch-js/test_model.pt")
    assert checkpoint.metadata["archive.producerVersion"] == "1.0"
    assert not checkpoint.faults


@pytest.mark.parametrize("name", ["net/tensors/0", "net/tensors/evil", "net/code/x.pkl", "x.pkl"])
def test_every_member_is_examined(
    tmp_path: Path, load_any: Read, hostile: object, name: str
) -> None:
    evil = {name: pickle.dumps(hostile)}
    checkpoint = load_any(write(tmp_path / "net.pt", MODEL, **evil))

    assert (name, "posix.system") in {
        (trace.member, use.qualified) for trace in checkpoint.pickles for use in trace.uses
    }


def test_damage_hides_nothing(tmp_path: Path, load_any: Read, hostile: object) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/version", "1")
        archive.writestr("net/model.json", "{")
        archive.writestr("net/attributes.pkl", pickle.dumps(hostile))

    checkpoint = load_any(path)

    assert [fault.member for fault in checkpoint.faults] == ["net/model.json"]
    assert checkpoint.pickles[0].uses[0].qualified == "posix.system"


def test_attributes_of_modules_are_tensors_too(tmp_path: Path, load_any: Read) -> None:
    attributes = [{"type": "Tensor", "name": "kept", "id": "3"}, {"type": "int", "name": "n"}]
    main = {**MODEL["mainModule"], "attributes": attributes}  # type: ignore[dict-item]
    checkpoint = load_any(write(tmp_path / "net.pt", {**MODEL, "mainModule": main}))

    assert list(checkpoint.tensors) == ["scale", "kept", "fc.weight", "fc.bias"]
    assert checkpoint.tensors["kept"].dtype.name == "int64"
