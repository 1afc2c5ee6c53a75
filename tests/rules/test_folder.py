"""Which of the files in a folder is judged with what stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.analysis.beside import Folder
from modlint.checkpoint import Checkpoint, Remark
from modlint_rules.base.folder import incomplete, index_of, is_model, variant_of


def named(name: str, *kinds: str) -> Checkpoint:
    remarks = tuple(Remark(kind, "") for kind in kinds)
    return Checkpoint(Path("folder") / name, "safetensors", 0, remarks=remarks)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("model-00001-of-00002.safetensors", "model.safetensors.index.json"),
        ("pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"),
        ("model.fp16-00001-of-00002.safetensors", "model.safetensors.index.fp16.json"),
        ("model-00001-of-00002.fp16.safetensors", "model.safetensors.index.fp16.json"),
        ("model.fp16-00001-of-00002.safetensors", "model.fp16.safetensors.index.json"),
    ],
)
def test_a_shard_is_judged_with_its_index(name: str, index: str) -> None:
    others = {"config.json": 1, name: 1}
    assert index_of(named(name), Folder(Path(), {**others, index: 1})) == index
    assert index_of(named(name), Folder(Path(), others)) is None


def test_a_whole_file_beside_an_index_stands_for_itself() -> None:
    folder = Folder(Path(), {"model.safetensors": 1, "model.safetensors.index.json": 1})
    assert index_of(named("model.safetensors"), folder) is None


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("model.safetensors", None),
        ("pytorch_model.bin", None),
        ("model.safetensors.index.json", None),
        ("pytorch_model.bin.index.json", None),
        ("model.fp16.safetensors", "fp16"),
        ("model.safetensors.index.fp16.json", "fp16"),
    ],
)
def test_names_of_a_model_s_weights(name: str, variant: str | None) -> None:
    assert is_model(named(name))
    assert variant_of(named(name)) == variant


@pytest.mark.parametrize(
    "name",
    [
        "adapter_model.safetensors",
        "optimizer.pt",
        "training_args.bin",
        "scheduler.pt",
        "rng_state.pth",
        "consolidated.00.pth",
        "tf_model.h5",
        "flax_model.msgpack",
        "diffusion_pytorch_model.safetensors",
        "model-00001-of-00002.safetensors",
        "model.onnx",
        "model.pt",
    ],
)
def test_names_of_other_files(name: str) -> None:
    assert not is_model(named(name))
    assert variant_of(named(name)) is None


def test_what_makes_a_checkpoint_incomplete() -> None:
    assert incomplete(named("model.safetensors", "bad-crc", "wrong-total-size")) is None
    for kind in ("missing-shard", "missing-tensor", "missing-storage"):
        assert incomplete(named("model.safetensors", kind))
