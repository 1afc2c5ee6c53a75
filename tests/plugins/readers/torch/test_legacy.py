"""The legacy container: its own structure and its damage."""

from __future__ import annotations

import io
import itertools
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from modlint.checkpoint import Checkpoint, Status
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.pickling.stacked import MAGIC
from modlint_plugins.readers.torch.legacy import TorchLegacyReader
from modlint_plugins.readers.torch.plain_pickle import PlainPickleReader

Read = Callable[[Path], Checkpoint]
Compare = Callable[[Checkpoint, Any], None]
STATE = {"a": torch.arange(6.0), "b": torch.ones(4, dtype=torch.int16)}
HEADER = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2)


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def checkpoint_of(content: bytes) -> Checkpoint:
    source = Source(Path("model.pt"), memoryview(content))
    reader = TorchLegacyReader()
    assert reader.sniff(source)
    assert not PlainPickleReader().sniff(source)
    return reader.read(source)


@pytest.mark.parametrize("protocol", range(6))
def test_the_magic_number_is_known_in_every_protocol(protocol: int) -> None:
    content = pickle.dumps(MAGIC, protocol) + b"rest"
    assert TorchLegacyReader().sniff(Source(Path("x"), memoryview(content)))


def test_its_five_pickles_are_traced() -> None:
    traces = checkpoint_of(saved(STATE)).pickles
    assert len(traces) == 5
    assert traces[0].offset == 0
    for before, after in itertools.pairwise(traces):
        assert after.offset == before.offset + before.nbytes


def test_a_magic_number_may_be_computed() -> None:
    magic = b"cbuiltins\neval\n(S'%d'\ntR." % MAGIC
    source = Source(Path("x"), memoryview(magic + pickle.dumps(1001, 2)))
    assert TorchLegacyReader().sniff(source)
    assert not PlainPickleReader().sniff(source)
    content = magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) * 2 + pickle.dumps([], 2)
    use = TorchLegacyReader().read(Source(Path("x"), memoryview(content))).pickles[0].uses[0]
    assert use.rendered == f"builtins.eval('{MAGIC}')"


def test_views_of_storages(assert_same_tensors: Compare) -> None:
    # Before 0.4, a persistent id could name a part of a storage: (key, offset, size).
    root = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0rX\x03\0\0\0cpuK\x06"
    whole = root + b"NtQ"
    part = root + b"(X\x01\0\0\0vK\x02K\x03ttQ"
    rebuild = b"ctorch._utils\n_rebuild_tensor\n(%sK%c(K%ct(K\x01ttR"
    content = (
        b"\x80\x02}(X\x01\0\0\0w"
        + rebuild % (whole, 0, 6)
        + b"X\x01\0\0\0p"
        + rebuild % (part, 1, 2)
        + b"u."
    )
    numbers = struct.pack("<q6f", 6, *range(6))
    file = HEADER + pickle.dumps({"little_endian": True}, 2) + content
    checkpoint = checkpoint_of(file + pickle.dumps(["r"], 2) + numbers)
    assert checkpoint.faults == ()
    base = torch.arange(6.0)
    assert_same_tensors(checkpoint, {"w": base, "p": base[3:5]})
    bad = content.replace(b"vK\x02K\x03", b"vK\x04K\x03")
    file = HEADER + pickle.dumps({}, 2) + bad + pickle.dumps(["r"], 2) + numbers
    assert "views a part outside of its storage" in checkpoint_of(file).faults[0].message


def test_modules_carry_their_source_as_persistent_ids(read: Read, tmp_path: Path) -> None:
    content = b"\x80\x02(X\x06\0\0\0modulecmodel\nNet\nX\x04\0\0\0a.pyX\x04\0\0\0codetQ)\x81."
    path = tmp_path / "x.pt"
    path.write_bytes(HEADER + pickle.dumps({}, 2) + content + pickle.dumps([], 2))
    uses = [use for trace in read(path).pickles for use in trace.uses]
    assert [(use.qualified, use.use) for use in uses] == [("model.Net", "instantiated")]


def test_numbers_are_little_endian_whatever_the_file_says(assert_same_tensors: Compare) -> None:
    """As torch.load takes them, and torch.save writes them on every machine."""
    content = saved(STATE)
    other = content.replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89")
    assert other != content
    assert_same_tensors(checkpoint_of(other), STATE)


def test_a_truncated_storage_is_a_fault_and_the_others_are_read() -> None:
    content = saved(STATE)
    checkpoint = checkpoint_of(content[:-3])
    assert len(checkpoint.tensors) == 1
    assert checkpoint.status is Status.CHECKED
    assert checkpoint.faults[0].message.startswith("truncated: storage")
    assert checkpoint.faults[0].offset is not None


def test_a_count_unlike_the_pickles_is_a_fault() -> None:
    content = saved({"a": torch.arange(6.0)})
    count = struct.pack("<q", 6)
    at = content.rindex(count)
    for wrong in (5, -1, 2**60):
        checkpoint = checkpoint_of(content[:at] + struct.pack("<q", wrong) + content[at + 8 :])
        assert not checkpoint.tensors
        assert checkpoint.status is Status.UNREADABLE


def test_a_file_that_ends_before_its_object() -> None:
    content = saved(STATE)
    with pytest.raises(UnreadableError, match="ends in its protocol"):
        checkpoint_of(content[:16])
    with pytest.raises(UnreadableError, match="a protocol that PyTorch never wrote"):
        checkpoint_of(content.replace(b"M\xe9\x03", b"M\xea\x03"))
    assert checkpoint_of(content[: len(HEADER) + 150]).status is Status.UNREADABLE


def test_bytes_behind_the_storages_are_remarked_and_pickles_there_traced() -> None:
    payload = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."
    checkpoint = checkpoint_of(saved(STATE) + payload + b"rest")
    assert [remark.kind for remark in checkpoint.remarks] == ["trailing-bytes"]
    assert checkpoint.pickles[-1].uses[0].rendered == "os.system('id')"
    assert len(checkpoint.tensors) == 2


_STORAGE = b"(X\x07\0\0\0storagec%s\n%s%sX\x03\0\0\0cpu%sNtQ"
_TEXT, _SIX = b"X\x01\0\0\x000", b"K\x06"


def reference(
    count: bytes = _SIX,
    key: bytes = _TEXT,
    module: bytes = b"torch",
    name: bytes = b"FloatStorage\n",
) -> bytes:
    return _STORAGE % (module, name, key, count)


def referred_first(first: bytes, key: bytes = _TEXT) -> Checkpoint:
    """A reference that no tensor uses, then a tensor of the whole storage."""
    tensor = b"ctorch._utils\n_rebuild_tensor\n(%sK\0(K\x06t(K\x01ttR" % reference(key=key)
    content = b"\x80\x02" + first + b"X\x01\0\0\0w" + tensor + b"s."
    file = HEADER + pickle.dumps({"little_endian": True}, 2) + content
    keys = pickle.dumps(["0" if key == _TEXT else 0], 2)
    return checkpoint_of(file + keys + struct.pack("<q6f", 6, *range(6)))


@pytest.mark.parametrize(
    "first",
    [
        reference(b"K\x04"),
        reference(b"\x88"),
        reference(module=b"elsewhere"),
        reference(name=b"Tensor\n"),
    ],
)
def test_a_first_reference_that_makes_another_storage(first: bytes) -> None:
    """PyTorch keeps the first; a larger tensor moves its bytes and leaves views of it behind."""
    for checkpoint in (referred_first(first + b"0}"), referred_first(b"}K\x01" + first + b"s")):
        assert any("referred to in several ways" in f.message for f in checkpoint.faults)
        assert not checkpoint.tensors


def test_a_first_reference_by_an_equal_key() -> None:
    """To Python, False and 0 are one key."""
    number = b"K\0"
    checkpoint = referred_first(reference(b"K\x04", b"\x89") + b"0}", number)
    assert any("referred to in several ways" in f.message for f in checkpoint.faults)


def test_a_first_reference_that_is_like_the_others() -> None:
    for first in (reference() + b"0}", b"}", b"}K\x01" + reference() + b"s"):
        checkpoint = referred_first(first)
        assert checkpoint.faults == ()
        assert list(checkpoint.tensors) == ["w"]
