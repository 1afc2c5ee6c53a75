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
    **{code: np.arange(3).astype(code) for code in ("i1", "i2", "i8", "u1", "u4", "u8", "c8")},
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


def test_the_limit_of_tensors_is_one_that_may_be_reached(
    tmp_path: Path, load_any: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **ARRAYS)
    for most, kinds in ((len(ARRAYS), []), (len(ARRAYS) - 1, ["limit"])):
        monkeypatch.setattr("modlint_plugins.readers.contained.MAX_TENSORS", most)
        assert [fault.kind for fault in load_any(path).faults] == kinds


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
    assert checkpoint.format == ("npz" if archive else "npy")


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


def write(path: Path, header: str, data: bytes) -> Path:
    text = header.encode("latin-1")
    path.write_bytes(b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1L,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(11_000),
        "{'descr': '|O', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': 'object', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'f4,O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '2O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': {'aO'}, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "no header",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}".ljust(2_000_000),
    ],
)
def test_objects_behind_any_header(
    tmp_path: Path, load_any: Read, hostile: object, header: str
) -> None:
    path = write(tmp_path / "a.npy", header, pickle.dumps(hostile))

    checkpoint = load_any(path)

    assert "posix.system" in {u.qualified for t in checkpoint.pickles for u in t.uses}


@pytest.mark.parametrize("names", [("O", "C"), ("a", "O")])
def test_a_field_called_o_is_no_object(
    tmp_path: Path, load_any: Read, names: tuple[str, str]
) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones(2, dtype=[(name, "<f4") for name in names]))

    checkpoint = load_any(path)

    assert checkpoint.status is Status.CHECKED
    assert not checkpoint.pickles
    assert not checkpoint.remarks


def test_an_array_of_python_2(tmp_path: Path, load_any: Read) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4L,), }\n"
    (tensor,) = load_any(write(tmp_path / "a.npy", header, bytes(16))).tensors.values()
    assert tensor.shape == (4,)


def test_elements_end_where_the_type_says(tmp_path: Path, load_any: Read, hostile: object) -> None:
    """What follows a structured array is not taken for a part of it."""
    path = tmp_path / "a.npy"
    np.save(path, np.ones(2, dtype=[("a", "<f4"), ("b", "<i2", (3,))]))
    path.write_bytes(path.read_bytes() + pickle.dumps(hostile))

    (trace,) = load_any(path).pickles

    assert trace.uses[0].qualified == "posix.system"
