"""joblib's pickles, whose arrays stand in the stream; written by joblib itself."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from modlint.checkpoint import Checkpoint, Status

Read = Callable[[Path], Checkpoint]

VALUE = {
    "a": np.arange(6, dtype="<f4").reshape(2, 3),
    "b": {"c": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "n": 3},
    "big": np.arange(3, dtype=">i8"),
    "empty": np.zeros((0, 2)),
    "large": np.random.default_rng(0).normal(size=(300, 300)),
}
NAMES = ["a", "b.c", "big", "empty", "large"]


def array(value: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        value = value[part]
    return value


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), "lzma"])
def test_arrays_are_tensors(tmp_path: Path, load_any: Read, compress: Any) -> None:
    path = tmp_path / "a.pkl"
    joblib.dump(VALUE, path, compress=(compress, 3) if compress == "lzma" else compress)

    checkpoint = load_any(path)

    assert checkpoint.status is Status.CHECKED
    assert not checkpoint.faults
    assert list(checkpoint.tensors) == NAMES
    theirs = joblib.load(path)
    for name, tensor in checkpoint.tensors.items():
        expected = array(theirs, name)
        data = np.frombuffer(tensor.storage.read(), expected.dtype.newbyteorder("<"))
        strides = [step * expected.itemsize for step in tensor.strides]
        found = np.lib.stride_tricks.as_strided(data, tensor.shape, strides)
        assert np.array_equal(found, expected), name


def test_estimator(tmp_path: Path, load_any: Read) -> None:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LinearRegression

    x = np.arange(20.0).reshape(10, 2)
    linear = LinearRegression().fit(x, x[:, 0])
    forest = RandomForestRegressor(3, random_state=0).fit(x, x[:, 0])
    joblib.dump([linear, forest], tmp_path / "a.joblib")

    checkpoint = load_any(tmp_path / "a.joblib")

    assert not checkpoint.faults
    coefficients = checkpoint.tensors["0.coef_"].storage.read()
    assert np.array_equal(np.frombuffer(coefficients), linear.coef_)


def test_objects_in_the_stream_are_interpreted(
    tmp_path: Path, load_any: Read, hostile: object
) -> None:
    path = tmp_path / "a.pkl"
    joblib.dump([np.array([hostile, None]), np.ones(3)], path)

    checkpoint = load_any(path)

    uses = [use for trace in checkpoint.pickles for use in trace.uses]
    assert any(use.rendered == "posix.system('exit 1')" for use in uses)
    assert not checkpoint.faults
    assert list(checkpoint.tensors) == ["1"]


def test_opcodes_in_an_array_that_pickle_would_run(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "a.pkl"
    payload = b"cos\nsystem\n(S'exit 1'\ntR."
    joblib.dump(np.zeros(300, dtype=np.uint8), path)
    content = path.read_bytes()
    start = content.index(b"ub", content.index(b"numpy_array_alignment_bytes")) + 2
    path.write_bytes(content[:start] + payload + content[start + len(payload) :])

    checkpoint = load_any(path)

    uses = [use for trace in checkpoint.pickles for use in trace.uses]
    assert any(use.rendered == "os.system('exit 1')" for use in uses)
    assert checkpoint.faults


@pytest.mark.parametrize(
    "before",
    [b"N0" * 5100, b"\x8b\x10\x27\0\0" + bytes(10_000) + b"0", b"(" * 2000],
    ids=["many opcodes", "a long integer", "many marks"],
)
def test_what_stands_before_a_payload_in_an_array_never_hides_it(
    tmp_path: Path, load_any: Read, before: bytes
) -> None:
    path = tmp_path / "a.pkl"
    payload = before + b"cos\nsystem\n(S'exit 1'\ntR."
    joblib.dump(np.zeros(30_000, dtype=np.uint8), path)
    content = path.read_bytes()
    start = content.index(b"ub", content.index(b"numpy_array_alignment_bytes")) + 2
    path.write_bytes(content[:start] + payload + content[start + len(payload) :])

    checkpoint = load_any(path)

    called = [use.rendered for trace in checkpoint.pickles for use in trace.uses]
    told = any(trace.incomplete is not None for trace in checkpoint.pickles)
    assert "os.system('exit 1')" in called or told


def test_many_arrays_are_read_in_one_pass(tmp_path: Path, load_any: Read) -> None:
    """Each array's bytes are read as opcodes once, however many there are."""
    path = tmp_path / "a.pkl"
    joblib.dump([np.arange(4.0) + n for n in range(600)], path)

    checkpoint = load_any(path)

    assert not checkpoint.faults
    assert len(checkpoint.tensors) == 600
    assert sum(trace.opcodes for trace in checkpoint.pickles) < 40_000


def test_structured_arrays_without_objects_are_no_pickles(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "a.pkl"
    array = np.zeros(4, dtype=[("a", "<u4"), ("b", "<u4")])
    array["a"] = 0x00000280  # begins as a pickle of protocol 2 does
    joblib.dump([array, np.ones(3)], path)

    checkpoint = load_any(path)

    assert not checkpoint.faults
    assert list(checkpoint.tensors) == ["1"]


def test_joblib_never_reads_what_torch_loads(tmp_path: Path, load_any: Read) -> None:
    """The array's bytes are opcodes to torch.load, in its archives and in nested ones."""
    joblib.dump(np.zeros(300, dtype=np.uint8), tmp_path / "a.pkl")
    content = (tmp_path / "a.pkl").read_bytes()
    start = content.index(b"ub", content.index(b"numpy_array_alignment_bytes")) + 2
    payload = b"cos\nsystem\n(S'exit 1'\ntR."
    content = content[:start] + payload + content[start + len(payload) :]
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", content)
        archive.writestr("m/version", "3\n")
    nested = (tmp_path / "m.pt").read_bytes()
    loads = b"\x80\x02ctorch.storage\n_load_from_bytes\nB"
    outer = loads + len(nested).to_bytes(4, "little") + nested + b"\x85R."
    (tmp_path / "outer.pkl").write_bytes(outer)

    for path in (tmp_path / "m.pt", tmp_path / "outer.pkl"):
        uses = [use for trace in load_any(path).pickles for use in trace.uses]
        assert any(use.rendered == "os.system('exit 1')" for use in uses), path.name


def test_cut_off_array(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "a.pkl"
    joblib.dump(VALUE, path)
    path.write_bytes(path.read_bytes()[:-1000])

    checkpoint = load_any(path)

    assert "is cut off" in checkpoint.faults[0].message


def test_payload_behind_the_arrays(tmp_path: Path, load_any: Read, hostile: object) -> None:
    path = tmp_path / "a.pkl"
    joblib.dump(np.ones(3), path)
    path.write_bytes(path.read_bytes() + pickle.dumps(hostile))

    checkpoint = load_any(path)

    assert [use.module for use in checkpoint.pickles[-1].uses] == ["posix"]
