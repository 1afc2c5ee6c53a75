"""Plain pickles: which files are pickles, and what is nested in them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from modlint.checkpoint import Checkpoint, Role, Status
from modlint.source import Source
from modlint_plugins.readers.torch.plain_pickle import PlainPickleReader

Compare = Callable[[Checkpoint, Any], None]
READER = PlainPickleReader()
PAYLOAD = b"cos\nsystem\n(S'id'\ntR."


def source(content: bytes) -> Source:
    return Source(Path("some.pkl"), memoryview(content))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", [{"a": 1}, [1, "b"], 1.5, range(3)])
def test_pickles_of_every_protocol_are_claimed(value: Any, protocol: int) -> None:
    assert READER.sniff(source(pickle.dumps(value, protocol)))


@pytest.mark.parametrize(
    "content",
    [
        PAYLOAD,
        PAYLOAD + b"trailing junk",
        PAYLOAD[:-1] + b"\xff broken",
        b"(S'id'\nios\nsystem\n",
        b"\x80\x04broken from here",
        b"(lp0\n" + b"I1\na" * 20_000,
    ],
)
def test_hostile_and_broken_pickles_are_claimed(content: bytes) -> None:
    assert READER.sniff(source(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"abc",
        b"N.B. this is a text.",
        b"commit\nmessage\n(and more of it)\n",
        b"Plain text.\nIt has lines.\n",
        b"import os\nos.system('id')\n",
        b'{"a": [1, 2]}',
        b"[section]\nkey = value\n",
        b"GIF89a........",
        b"\x89PNG\r\n\x1a\n",
        b"\x80",
        b"\x80\x00\x80\x00",
        bytes(1000),
    ],
)
def test_other_files_are_not(content: bytes) -> None:
    assert not READER.sniff(source(content))


def test_the_test_suite_holds_no_pickle() -> None:
    for path in Path(__file__).parents[2].rglob("*.py"):
        assert not READER.sniff(Source(path, memoryview(path.read_bytes()))), path


def test_stacked_pickles_are_all_read() -> None:
    content = b"".join(pickle.dumps({"n": n}, n) for n in range(6)) + PAYLOAD
    checkpoint = READER.read(source(content))
    assert len(checkpoint.pickles) == 7
    assert sum(trace.nbytes for trace in checkpoint.pickles) == len(content)
    assert checkpoint.pickles[-1].uses[0].offset == len(content) - 2
    assert checkpoint.metadata == {f"{n}.n": n for n in range(6)}
    assert checkpoint.remarks == ()


def test_a_payload_behind_pickles_that_look_like_text_is_traced() -> None:
    checkpoint = READER.read(source(pickle.dumps([1], 4) + b"N.I1\n.S'a'\n." + PAYLOAD))
    assert len(checkpoint.pickles) == 5
    assert checkpoint.pickles[-1].uses[0].rendered == "os.system('id')"


def test_bytes_behind_the_last_pickle_are_remarked() -> None:
    (remark,) = READER.read(source(pickle.dumps(1, 4) + b"\xff" * 10)).remarks
    assert (remark.kind, remark.message) == ("trailing-bytes", "10 bytes follow the last pickle")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_modules_that_were_pickled_without_torch_save(
    protocol: int, assert_same_tensors: Compare
) -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    checkpoint = READER.read(source(pickle.dumps(module, protocol)))
    assert checkpoint.faults == ()
    assert_same_tensors(checkpoint, dict(module.state_dict()))
    nested = {trace.member for trace in checkpoint.pickles if trace.member is not None}
    assert len(nested) == (7 if protocol >= 3 else 1)


def test_a_payload_within_a_nested_checkpoint_is_traced() -> None:
    inner = b"\x80\x02" + PAYLOAD
    content = pickle.dumps({"x": 1}, 4)[:-1] + b"0ctorch.storage\n_load_from_bytes\n(C%c%stR."
    checkpoint = READER.read(source(content % (len(inner), inner)))
    names = [(trace.member, use.rendered) for trace in checkpoint.pickles for use in trace.uses]
    assert names == [
        (None, "torch.storage._load_from_bytes(…)"),
        ("bytes at 56", "os.system('id')"),
    ]


def test_checkpoints_nested_without_end_are_not_followed_without_end() -> None:
    content = b"N."
    for _ in range(10):
        size = len(content).to_bytes(4, "little")
        content = b"ctorch.storage\n_load_from_bytes\n(B" + size + content + b"tR."
    checkpoint = READER.read(source(content))
    assert [fault.kind for fault in checkpoint.faults] == ["nested"]


def test_numpy_arrays() -> None:
    import numpy as np

    value = {"w": np.arange(6, dtype=">i2").reshape(2, 3), "names": np.array(["a", "b"]),
             "objects": np.array([None, np.ones(2)], dtype=object)}  # fmt: skip
    tensors = READER.read(source(pickle.dumps(value, 4))).tensors
    assert list(tensors) == ["w", "objects.1"]
    assert bytes(tensors["w"].storage.read()) == np.arange(6, dtype="<i2").tobytes()
    assert tensors["w"].offset is None
    offset = tensors["objects.1"].offset
    assert offset is not None
    assert pickle.dumps(value, 4)[offset : offset + 16] == np.ones(2).tobytes()


def test_an_array_unlike_its_bytes_is_a_fault() -> None:
    import numpy as np

    content = pickle.dumps(np.arange(6.0), 4).replace(b"K\x06\x85", b"K\x07\x85")
    checkpoint = READER.read(source(content))
    assert checkpoint.status is Status.UNREADABLE
    assert checkpoint.faults[0].message == "array 'tensor' of shape [7] holds 48 bytes"


def test_an_optimiser_is_training_state() -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    parameter.sum().backward()
    optimizer.step()
    tensors = READER.read(source(pickle.dumps(optimizer, 4))).tensors
    assert tensors
    assert {tensor.role for tensor in tensors.values()} == {Role.TRAINING_STATE}


def test_tensors_whose_storages_are_elsewhere() -> None:
    content = b"\x80\x02ctorch._utils\n_rebuild_tensor\n(K\x07QK\x00(K\x02t(K\x01ttR."
    checkpoint = READER.read(source(content))
    (remark,) = checkpoint.remarks
    assert remark.kind == "missing-storage"
    assert remark.message == "tensor 'tensor' refers to a storage outside of the file"
    assert not checkpoint.faults


def test_deep_values_end_in_a_fault_not_in_a_recursion_error() -> None:
    checkpoint = READER.read(source(b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b"."))
    assert checkpoint.faults[0].message == "values are nested more than 100 deep"
