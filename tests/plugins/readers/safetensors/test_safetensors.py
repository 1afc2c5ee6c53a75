"""safetensors files, written by the package itself and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from modlint.checkpoint import Checkpoint, Status
from modlint.errors import UnreadableError
from modlint.source import open_source
from modlint_plugins.readers.safetensors.reader import SafetensorsReader

READER = SafetensorsReader()


def read(path: Path) -> Checkpoint:
    source = open_source(path)
    assert READER.sniff(source)
    return READER.read(source)


def write(path: Path, header: object, data: bytes = b"", cut: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text).to_bytes(8, "little") + text + data)[:cut])
    return path


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def kinds(checkpoint: Checkpoint) -> list[str]:
    return [fault.kind for fault in checkpoint.faults]


TYPES = [
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.float8_e5m2,
    torch.float8_e4m3fn,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
    torch.int16,
    torch.uint16,
    torch.float16,
    torch.bfloat16,
    torch.int32,
    torch.uint32,
    torch.float32,
    torch.complex64,
    torch.float64,
    torch.int64,
    torch.uint64,
]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_type_and_bytes_are_those_that_torch_wrote(tmp_path: Path, dtype: torch.dtype) -> None:
    raw = torch.arange(48, dtype=torch.uint8) % 2
    values = raw.view(dtype).reshape(2, -1)
    save_file({"layer.weight": values, "other": torch.ones(3)}, tmp_path / "m.safetensors")

    tensor = read(tmp_path / "m.safetensors").tensors["layer.weight"]

    assert tensor.dtype.name == str(dtype).removeprefix("torch.")
    assert tensor.shape == tuple(values.shape)
    assert tensor.contiguous
    assert bytes(tensor.storage.read()) == raw.numpy().tobytes()


@pytest.mark.parametrize(
    ("code", "name", "bits"),
    [
        ("F4", "float4_e2m1fn", 4),
        ("F6_E2M3", "float6_e2m3fn", 6),
        ("F6_E3M2", "float6_e3m2fn", 6),
        ("F8_E8M0", "float8_e8m0fnu", 8),
    ],
)
def test_small_floats_are_represented(tmp_path: Path, code: str, name: str, bits: int) -> None:
    path = write(tmp_path / "m", {"a": entry(code, [2, 4], 0, bits)}, bytes(bits))

    checkpoint = read(path)

    tensor = checkpoint.tensors["a"]
    assert (tensor.dtype.name, tensor.dtype.bits) == (name, bits)
    assert tensor.nbytes == bits
    assert not checkpoint.faults


def test_offset_is_where_the_bytes_lie_in_the_file(tmp_path: Path) -> None:
    values = {f"t{i}": torch.randn(3, i + 1) for i in range(5)}
    path = tmp_path / "m.safetensors"
    save_file(values, path)

    for name, tensor in read(path).tensors.items():
        assert tensor.offset is not None
        stored = np.fromfile(path, "<f4", count=tensor.elements, offset=tensor.offset)
        assert np.array_equal(stored, values[name].numpy().ravel())


def test_metadata_and_order_are_the_header_s(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"b": torch.ones(2), "a": torch.ones(3)}, path, metadata={"format": "pt", "ü": "→"})

    checkpoint = read(path)

    with safe_open(path, "pt") as reference:
        assert checkpoint.metadata == reference.metadata()
        assert list(checkpoint.tensors) == list(reference.keys())
    assert checkpoint.status is Status.CHECKED
    assert checkpoint.format == "safetensors"
    assert checkpoint.nbytes == path.stat().st_size


def test_long_metadata_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    texts = {f"key {number}": "x" * 100 for number in range(2_000)} | {"notes": "x" * 100_000}
    save_file({"a": torch.ones(1)}, path, metadata=texts)

    checkpoint = read(path)

    assert checkpoint.metadata == texts
    assert not checkpoint.remarks


def test_metadata_is_bounded_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    texts = {f"key {number}": "x" for number in range(100_001)}
    save_file({"a": torch.ones(1)}, path, metadata=texts)

    checkpoint = read(path)

    assert len(checkpoint.metadata) == 100_000
    assert [remark.kind for remark in checkpoint.remarks] == ["metadata-cut"]


@pytest.mark.parametrize("header", [b"{}", b"{}  ", b" {}", b'{"__metadata__":null}'])
def test_file_without_tensors_is_read(tmp_path: Path, header: bytes) -> None:
    checkpoint = read(write(tmp_path / "m", header))

    assert not checkpoint.tensors
    assert not checkpoint.faults


def test_empty_and_scalar_tensors(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"none": torch.ones(0, 4), "one": torch.tensor(2.0)}, path)

    checkpoint = read(path)

    assert checkpoint.tensors["none"].shape == (0, 4)
    assert checkpoint.tensors["one"].shape == ()
    assert not checkpoint.faults


def test_truncated_data_keeps_the_tensors_that_are_there(tmp_path: Path) -> None:
    header = {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 8, 16)}
    whole = write(tmp_path / "whole", header, bytes(16)).stat().st_size

    checkpoint = read(write(tmp_path / "m", header, bytes(16), cut=whole - 3))

    assert list(checkpoint.tensors) == ["a"]
    assert kinds(checkpoint) == ["truncated"]
    assert "3 bytes are missing" in checkpoint.faults[0].message
    assert "'b'" in checkpoint.faults[0].message
    assert checkpoint.faults[0].offset == whole - 3


def test_truncated_header_says_how_much_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "m", {"a": entry("F32", [2], 0, 8)}, cut=30)
    length = int.from_bytes(path.read_bytes()[:8], "little")

    with pytest.raises(UnreadableError, match=f"{8 + length - 30} bytes of its .* are missing"):
        read(path)


F32 = entry("F32", [2], 0, 8)


@pytest.mark.parametrize(
    ("header", "nbytes", "kind", "tensors"),
    [
        ({"a": F32, "b": entry("F32", [2], 12, 20)}, 20, "hole", 2),
        ({"a": entry("F32", [2], 4, 12)}, 12, "hole", 1),
        ({"a": F32, "b": entry("F32", [2], 4, 12)}, 12, "overlap", 2),
        ({"a": F32, "b": F32}, 8, "overlap", 2),
        ({"a": F32}, 9, "trailing-bytes", 1),
        ({"a": entry("F32", [3], 0, 8)}, 8, "wrong-length", 0),
        ({"a": entry("F4", [3], 0, 2)}, 2, "wrong-length", 0),
        ({"a": entry("F32", [1 << 40] * 100, 0, 8)}, 8, "wrong-length", 0),
        ({"a": entry("F32", [2], 8, 0)}, 0, "bad-offsets", 0),
        ({"a": entry("F32", [1 << 59], 0, 1 << 61)}, 8, "truncated", 0),
        ({"a": entry("F128", [2], 0, 8)}, 8, "unknown-dtype", 0),
    ],
)
def test_fault_is_named(
    tmp_path: Path, header: object, nbytes: int, kind: str, tensors: int
) -> None:
    checkpoint = read(write(tmp_path / "m", header, bytes(nbytes)))

    assert kind in kinds(checkpoint)
    assert len(checkpoint.tensors) == tensors
    assert all(fault.help for fault in checkpoint.faults)


def test_many_faults_of_one_kind_are_told_as_one(tmp_path: Path) -> None:
    header = {f"t{i}": F32 for i in range(2_000)}

    checkpoint = read(write(tmp_path / "m", header, bytes(8)))

    assert kinds(checkpoint) == ["overlap"]
    assert "1,998 more" in checkpoint.faults[0].message


def test_duplicate_name_is_a_fault(tmp_path: Path) -> None:
    one = json.dumps({"a": F32})[1:-1]

    checkpoint = read(write(tmp_path / "m", f"{{{one},{one}}}".encode(), bytes(8)))

    assert kinds(checkpoint) == ["duplicate-key"]
    assert list(checkpoint.tensors) == ["a"]


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":',
        b'{"a":1}',
        b'{"a":{"dtype":"F32"}}',
        b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}',
        b'{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}',
        b'{"a":{"shape":' + b"[" * 4_000 + b"}}",
        b'{"a":{"dtype":"F32","shape":[' + b"9" * 4_000 + b'],"data_offsets":[0,4]}}',
        b'{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        b'{"__metadata__":{"a":1}}',
        b'{"__metadata__":' + b'{"a":' * 10_000 + b"}}",
        b"{} {}",
        b"{,}",
        b"{\xff}",
        b'{"a',
    ],
)
def test_invalid_header_is_refused_with_its_place(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(UnreadableError, match="no valid safetensors file") as refused:
        read(write(tmp_path / "m", header, bytes(4)))

    assert refused.value.offset is not None
    assert 8 <= refused.value.offset <= 8 + len(header)
    assert refused.value.help


def test_header_above_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes((100_000_001).to_bytes(8, "little") + b'{"a"')

    with pytest.raises(UnreadableError, match="100,000,001 bytes"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\x02\0\0\0\0\0\0\0", b'[[[[[[[[{"a": 1}]]]]]]]]', b"12345678{}", bytes(64)],
)
def test_other_content_is_not_claimed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)

    assert not READER.sniff(open_source(tmp_path / "m.safetensors"))


def test_unicode_names(tmp_path: Path) -> None:
    save_file({"层.重み": torch.ones(2)}, tmp_path / "m.safetensors")

    assert list(read(tmp_path / "m.safetensors").tensors) == ["层.重み"]


def test_real_files(shared: Path) -> None:
    manifest = json.loads((shared / "models" / "MANIFEST.json").read_text())
    known = [item for item in manifest if item["container"] == "safetensors"]
    assert known
    for item in known:
        checkpoint = read(shared / "models" / item["file"])
        assert len(checkpoint.tensors) == item["tensors"]
        assert checkpoint.parameters == item["parameters"]
        assert not checkpoint.faults


def test_number_of_tensors_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modlint_plugins.readers.safetensors.header.MAX_TENSORS", 5)
    path = tmp_path / "many.safetensors"
    save_file({str(n): torch.ones(1) for n in range(6)}, path)

    with pytest.raises(UnreadableError, match="more than 5 tensors"):
        SafetensorsReader().read(open_source(path))
