"""Indexes of sharded checkpoints, and the shards beside them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from modlint.checkpoint import Checkpoint, Status

Read = Callable[[Path], Checkpoint]
STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2), "b": torch.ones(4)}
SHARDS = {
    "model-00001-of-00002.safetensors": ("a.weight", "a.bias"),
    "model-00002-of-00002.safetensors": ("b",),
}
TOTAL = 4 * (6 + 2 + 4)


def write(folder: Path, save: Callable[..., Any] = save_file, extension: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    weight_map = {}
    for shard, names in SHARDS.items():
        shard = shard.replace(".safetensors", extension) if extension else shard
        save({name: STATE[name] for name in names}, folder / shard)
        weight_map |= dict.fromkeys(names, shard)
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {"total_size": TOTAL}, "weight_map": weight_map}))
    return path


def change(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text())
    document["weight_map"] |= changes.get("weight_map", {})
    document["metadata"] |= changes.get("metadata", {})
    path.write_text(json.dumps(document))


def kinds(checkpoint: Checkpoint) -> list[str]:
    return [remark.kind for remark in checkpoint.remarks]


@pytest.mark.parametrize(("save", "extension"), [(save_file, ""), (torch.save, ".bin")])
def test_union_of_the_shards(
    tmp_path: Path, load_any: Read, assert_same_elements: Any, save: Any, extension: str
) -> None:
    checkpoint = load_any(write(tmp_path, save, extension))

    assert checkpoint.status is Status.CHECKED
    assert not checkpoint.faults
    assert not kinds(checkpoint)
    assert_same_elements(checkpoint, STATE)
    assert checkpoint.metadata["index.total_size"] == TOTAL
    member = checkpoint.tensors["b"].storage.member
    assert member is not None
    assert member.startswith("model-00002-of-00002")
    assert checkpoint.tensors["b"].offset is None


def test_hub_cache(tmp_path: Path, load_any: Read, assert_same_elements: Any) -> None:
    blobs = tmp_path / "blobs"
    write(blobs)
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for blob in blobs.iterdir():
        (snapshot / blob.name).symlink_to(f"../../blobs/{blob.name}")

    checkpoint = load_any(snapshot / "model.safetensors.index.json")

    assert not kinds(checkpoint)
    assert_same_elements(checkpoint, STATE)


def test_missing_shard(tmp_path: Path, load_any: Read) -> None:
    path = write(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()

    checkpoint = load_any(path)

    assert kinds(checkpoint) == ["missing-shard"]
    assert checkpoint.remarks[0].member == "model-00002-of-00002.safetensors"
    assert list(checkpoint.tensors) == ["a.weight", "a.bias"]


def test_shard_that_was_not_downloaded(tmp_path: Path, load_any: Read) -> None:
    path = write(tmp_path)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    (tmp_path / "model-00002-of-00002.safetensors").write_text(pointer)

    (remark,) = load_any(path).remarks

    assert remark.kind == "missing-shard"
    assert "Git LFS pointer" in remark.message


def test_tensors_that_differ(tmp_path: Path, load_any: Read) -> None:
    path = write(tmp_path)
    first, second = SHARDS
    change(path, weight_map={"gone": first, "a.bias": second})

    checkpoint = load_any(path)

    assert kinds(checkpoint) == ["missing-tensor", "extra-tensor"]
    assert "'gone' and" not in checkpoint.remarks[0].message
    assert "'a.bias', 'gone'" in checkpoint.remarks[0].message
    assert "'a.bias'" in checkpoint.remarks[1].message


def test_wrong_total_size(tmp_path: Path, load_any: Read) -> None:
    path = write(tmp_path)
    change(path, metadata={"total_size": TOTAL + 1})

    assert kinds(load_any(path)) == ["wrong-total-size"]


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "{}/secret.safetensors", "sub\\..\\x", "C:x", "link/secret"]
)
def test_names_that_leave_the_folder(tmp_path: Path, load_any: Read, name: str) -> None:
    save_file({"s": torch.ones(1)}, tmp_path / "secret.safetensors")
    (tmp_path / "secret").write_bytes((tmp_path / "secret.safetensors").read_bytes())
    path = write(tmp_path / "model")
    (tmp_path / "model" / "link").symlink_to("..")
    change(path, weight_map={"s": name.format(tmp_path)})

    checkpoint = load_any(path)

    assert kinds(checkpoint) == ["path-escape"]
    assert "s" not in checkpoint.tensors


def test_shards_behind_one_that_cannot_be_read_are_read(tmp_path: Path, load_any: Read) -> None:
    path = write(tmp_path / "model")
    held = json.loads(path.read_text())["weight_map"]
    for other in ("../secret.safetensors", "missing.safetensors"):
        path.write_text(json.dumps({"weight_map": {"s": other, **held}}))
        assert set(load_any(path).tensors) == set(held)


def test_payload_in_a_shard(tmp_path: Path, load_any: Read, hostile: object) -> None:
    path = write(tmp_path, torch.save, ".bin")
    torch.save({"b": hostile}, tmp_path / "model-00002-of-00002.bin")

    checkpoint = load_any(path)

    uses = {(t.member or "", use.module) for t in checkpoint.pickles for use in t.uses}
    assert any(m.startswith("model-00002") and module == "posix" for m, module in uses)
    assert kinds(checkpoint) == ["missing-tensor"]


def spelled(name: str) -> Callable[[str], str]:
    return lambda text: text.replace('"weight_map"', name)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "escaped": spelled(r'"weight\u005fmap"'),
    "escaped in capitals": spelled(r'"weight\u005F\u006Dap"'),
    "wholly escaped": spelled('"' + "".join(f"\\u{ord(c):04x}" for c in "weight_map") + '"'),
    "behind 100,000 blanks": lambda text: " " * 100_000 + text,
    "behind much metadata": lambda text: text.replace("{", '{"x": "' + "y" * 100_000 + '",', 1),
    "twice": lambda text: text.replace("{", r'{"weight\u005fmap": {"b": "b"},', 1),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_json_is_known_by_what_it_says(
    tmp_path: Path, load_any: Read, hostile: object, spelling: str
) -> None:
    path = write(tmp_path, torch.save, ".dat")
    torch.save({"b": hostile}, tmp_path / "model-00002-of-00002.dat")
    path = path.rename(tmp_path / "model.safetensors.index.fp16.json")
    path.write_text(SPELLINGS[spelling](path.read_text()))

    checkpoint = load_any(path)

    if spelling == "twice":
        assert "names a key twice" in checkpoint.faults[0].message
        return
    assert not checkpoint.faults
    modules = {use.module for trace in checkpoint.pickles for use in trace.uses}
    assert "posix" in modules


@pytest.mark.parametrize(
    "document",
    [{"a": {"weight_map": 1}}, {"a": "weight_map"}, {"a": '"weight_map": {}'}, {"weight_maps": 1}],
)
def test_other_json_is_no_index(tmp_path: Path, load_any: Read, document: object) -> None:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(document))
    assert load_any(path).format == "json"


def test_large_json_is_told_quickly(tmp_path: Path, load_any: Read) -> None:
    path = tmp_path / "tokenizer.json"
    vocabulary = {f"Ġw{number}": number for number in range(400_000)}
    path.write_text(json.dumps({"model": {"vocab": vocabulary}}))
    started = time.process_time()
    assert load_any(path).format == "json"
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        '{"weight_map": 3}',
        '{"weight_map": {"a": 3}}',
        '{"weight_map": {"a": "b", "a": "c"}}',
        '{"weight_map": ',
        '{"weight_map": ' + "[" * 100_000,
    ],
)
def test_damaged_index(tmp_path: Path, load_any: Read, text: str) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(text)

    checkpoint = load_any(path)

    assert checkpoint.status is Status.UNREADABLE
    assert "damaged index" in checkpoint.faults[0].message
