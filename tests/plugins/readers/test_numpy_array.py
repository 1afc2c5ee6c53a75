"""NumPy's files against NumPy's own reading."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modlint.checkpoint import Checkpoint, Status, Tensor

Read = Callable[[Path], Checkpoint]

ARRAYS = {
    "f4": np.arange(6, dtype="<f4").reshape(2, 3),
    "big": np.arange(6, dtype=">i4").reshape(3, 2),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "complex": np.array([1 + 2j, 3j], dtype=">c16"),
    "bool": np.array([True, False]),
    "half": np.float16([1.5]),
    "scalar": np.float64(3.25),
    "empty": np.zeros((0, 4), dtype="u2"),
}


def numbers(tensor: Tensor, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    data = np.frombuffer(tensor.storage.read(), dtype=dtype.newbyteorder("<"))
    strides = [step * dtype.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(data, tensor.shape, strides)


@pytest.mark.parametrize("name", ARRAYS)
def test_array(tmp_path: Path, load_any: Read, name: str) -> None:
    path = tmp_path / "a.npy"
    np.save(path, ARRAYS[name])

    checkpoint = load_any(path)

    (tensor,) = checkpoint.tensors.values()
    expected = np.load(path)
    assert checkpoint.status is Status.CHECKED
    assert tensor.shape == expected.shape
    assert tensor.dtype.name == expected.dtype.name
    assert np.array_equal(numbers(tensor, expected.dtype), expected)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archive_of_arrays(tmp_path: Path, load_any: Read, save: Callable[..., Any]) -> None:
    path = tmp_path / "a.npz"
    save(path, **ARRAYS)

    checkpoint = load_any(path)

    assert checkpoint.format == "npz"
    assert list(checkpoint.tensors) == list(ARRAYS)
    for name, expected in np.load(path).items():
        found = numbers(checkpoint.tensors[name], expected.dtype)
        assert np.array_equal(found, expected), name


@pytest.mark.parametrize("kind", ["plain", "record", "old"])
@pytest.mark.parametrize("archive", [False, True])
def test_objects_are_pickles(
    tmp_path: Path, load_any: Read, hostile: object, kind: str, archive: bool
) -> None:
    values = np.array([(1, hostile)], dtype=[("a", "i4"), ("b", "O")])
    path = tmp_path / "a.npy"
    np.save(path, values if kind == "record" else np.array([hostile]), allow_pickle=True)
    if kind == "old":
        path.write_bytes(path.read_bytes().replace(b"'|O', ", b"'<O8',", 1))
    if archive:
        content = path.read_bytes()
        path = tmp_path / "a.npz"
        np.savez(path, other=np.ones(2))
        import zipfile

        with zipfile.ZipFile(path, "a") as opened:
            opened.writestr("evil.npy", content)

    checkpoint = load_any(path)

    (trace,) = checkpoint.pickles
    assert trace.member == ("evil.npy" if archive else None)
    assert any(use.rendered == "posix.system('exit 1')" for use in trace.uses)
    assert "object-array" in {remark.kind for remark in checkpoint.remarks}


def test_other_elements_are_carried(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "a.npz"
    arrays = {
        "text": np.array(["ab", "c"]),
        "when": np.array(["2020-01-01"], dtype="M8[D]"),
        "records": np.zeros(3, dtype=[("x", "f4"), ("y", "u1", (3,))]),
    }
    np.savez(path, **arrays)

    tensors = load_any(path).tensors

    for name, expected in arrays.items():
        assert tensors[name].dtype.kind == "opaque"
        assert bytes(tensors[name].storage.read()) == expected.tobytes()


@pytest.mark.parametrize(
    "header",
    [
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x01\x00\x06\x00[[[[[[",
        b"\x93NUMPY\x02\x00\xff\xff\xff\x7f",
        b"\x93NUMPY\x01\x00\x02\x00{}",
        b"\x93NUMPY",
    ],
)
def test_damaged_headers(tmp_path: Path, load_any: Read, header: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(header)

    (fault,) = load_any(path).faults

    assert "damaged NumPy array" in fault.message


def test_truncated_array(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones(10))
    path.write_bytes(path.read_bytes()[:-5])

    (fault,) = load_any(path).faults

    assert fault.message == "truncated: 5 of the array's 80 bytes are missing"


def test_pickle_behind_the_array(tmp_path: Path, load_any: Read, hostile: object) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones(10))
    path.write_bytes(path.read_bytes() + pickle.dumps(hostile))

    (trace,) = load_any(path).pickles

    assert trace.uses[0].qualified == "posix.system"
