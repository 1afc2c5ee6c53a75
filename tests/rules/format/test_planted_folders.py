"""FMT003, FMT011, FMT014, FMT016: folders whose files agree, and folders whose files do not."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_cases import verdicts
from safetensors.torch import save_file
from support import check_json

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Severity

REGISTRY = load_registry()
ST, BIN = "model.safetensors", "pytorch_model.bin"
INDEX, BIN_INDEX = f"{ST}.index.json", f"{BIN}.index.json"
State = dict[str, Any]
Write = Callable[[Path], Path]


def state(seed: int = 0, dtype: torch.dtype = torch.float32) -> State:
    make = torch.Generator().manual_seed(seed)
    shapes = {"embed.weight": (40, 8), "layers.0.fc.weight": (8, 8), "layers.0.norm.weight": (8,)}
    shapes |= {"layers.1.fc.weight": (8, 8), "layers.1.norm.weight": (8,)}
    return {name: torch.randn(shape, generator=make).to(dtype) for name, shape in shapes.items()}


def save(folder: Path, name: str, tensors: State) -> Path:
    path = folder / name
    if name.endswith(".safetensors"):
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, {"format": "pt"})
    else:
        torch.save(tensors, path)
    return path


def shard(folder: Path, tensors: State, index: str = INDEX, shards: int = 2) -> Path:
    """Shards and their index, by the names of transformers and diffusers."""
    stem, _, variant = index.removesuffix(".json").partition(".index")
    stem, dot, end = stem.rpartition(".")
    weight_map = {}
    for number in range(shards):
        name = f"{stem}{variant}-{number + 1:05}-of-{shards:05}{dot}{end}"
        held = dict(list(tensors.items())[number::shards])
        save(folder, name, held)
        weight_map |= dict.fromkeys(held, name)
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    text = json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map})
    (folder / index).write_text(text)
    return folder / index


def pair(other: State, here: State | None = None, names: tuple[str, str] = (ST, BIN)) -> Write:
    def write(folder: Path) -> Path:
        save(folder, names[1], other)
        return save(folder, names[0], state() if here is None else here)

    return write


def without(*names: str) -> State:
    return {name: tensor for name, tensor in state().items() if name not in names}


def nudged(by: float, name: str = "layers.1.fc.weight") -> State:
    changed = state()
    changed[name] = changed[name].clone()
    changed[name][3, 3] += by
    return changed


def renamed(old: str, new: str) -> State:
    return {name.replace(old, new): tensor for name, tensor in state().items()}


def cast(there: torch.dtype, here: torch.dtype, seed: int = 0) -> Write:
    """What was cast from one element type to another, beside it."""
    return pair({k: v.to(there) for k, v in state(seed).items()},
                {k: v.to(there).to(here) for k, v in state().items()})  # fmt: skip


def tied() -> State:
    tensors = state()
    return {**tensors, "lm_head.weight": tensors["embed.weight"]}


def indexes(seed: int) -> Write:
    def write(folder: Path) -> Path:
        shard(folder, state(seed), BIN_INDEX)
        return shard(folder, state())

    return write


def whole_and_index(seed: int) -> Write:
    def write(folder: Path) -> Path:
        save(folder, BIN, state(seed))
        return shard(folder, state())

    return write


F16, BF16, F32, F64 = torch.float16, torch.bfloat16, torch.float32, torch.float64
ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")
OPEN_CLIP = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
DIFFUSERS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")

STALE: Mapping[str, Write] = {
    "other values": pair(state(1)),
    "one element": pair(nudged(1.0)),
    "one element by little": pair(nudged(1e-3)),
    "a NaN": pair(nudged(float("nan"))),
    "an infinity": pair(nudged(float("inf"))),
    "lacks a layer": pair(without("layers.1.fc.weight")),
    "holds a layer more": pair(state(), without("layers.1.fc.weight")),
    "a head more": pair({**state(), "lm_head.weight": torch.randn(40, 8)}),
    "another shape": pair({**state(), "embed.weight": torch.randn(48, 8)}),
    "another name": pair(renamed("fc", "linear")),
    "in half precision": pair(state(1, F16), state(0, F16)),
    "in bfloat16": pair(state(1, BF16), state(0, BF16)),
    "in float64": pair(state(1, F64), state(0, F64)),
    "cast and other": cast(F32, F16, seed=1),
    "cast to bfloat16 and other": cast(F32, BF16, seed=2),
    "an adapter": pair(state(1), names=ADAPTER),
    "diffusers": pair(state(1), names=DIFFUSERS),
    "a stem of its own": pair(state(1), names=("net.safetensors", "net.pth")),
    "a .ckpt with sections": pair({"state_dict": state(1)}, names=("net.safetensors", "net.ckpt")),
    "a variant": pair(state(1), names=("model.fp16.safetensors", "pytorch_model.fp16.bin")),
    "open_clip": pair(state(1), names=OPEN_CLIP),
    "two indexes": indexes(1),
    "index and whole": whole_and_index(1),
}  # fmt: skip

FRESH: Mapping[str, Write] = {
    "equal": pair(state()),
    "tied in one": pair(tied()),
    "tied, stored twice": pair({**tied(), "lm_head.weight": state()["embed.weight"].clone()}),
    "tied in the other": pair(state(), tied()),
    "buffers made anew": pair({**state(), "rotary_emb.inv_freq": torch.ones(4),
                               "attn.masked_bias": torch.tensor(-1e4)}),
    "integers": pair({**state(), "embed.position_ids": torch.arange(8)}),
    "cast to float16": cast(F32, F16),
    "cast to bfloat16": cast(F32, BF16),
    "cast from float64": cast(F64, F32),
    "cast from bfloat16": cast(BF16, F32),
    "float16 and bfloat16": pair(state(0, F16), state(0, BF16)),
    "a NaN in both": pair(nudged(float("nan")), nudged(float("nan"))),
    "minus zero": pair({**state(), "layers.0.norm.weight": torch.zeros(8)},
                       {**state(), "layers.0.norm.weight": -torch.zeros(8)}),
    "within the tolerance": pair(nudged(1e-7)),
    "a wrapper": pair({f"module.{name}": tensor for name, tensor in state().items()}),
    "a prefix": pair({f"model.{name}": tensor for name, tensor in state().items()}),
    "gamma": pair(renamed("norm.weight", "norm.gamma")),
    "not contiguous": pair({name: t.T.contiguous().T if t.ndim == 2 else t
                            for name, t in state().items()}),
    "a section": pair({"epoch": 3, "state_dict": state()}, names=("net.safetensors", "net.pt")),
    "an adapter": pair(state(), names=ADAPTER),
    "two indexes": indexes(0),
    "index and whole": whole_and_index(0),
}  # fmt: skip


@pytest.mark.parametrize("write", STALE.values(), ids=STALE)
def test_stale_siblings_are_found(write: Write, tmp_path: Path) -> None:
    (verdict,) = verdicts(write(tmp_path), REGISTRY, "stale-sibling")
    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, Severity.WARNING)


@pytest.mark.parametrize("write", FRESH.values(), ids=FRESH)
def test_the_same_model_twice_passes(write: Write, tmp_path: Path) -> None:
    (verdict,) = verdicts(write(tmp_path), REGISTRY, "stale-sibling")
    assert verdict.outcome is Outcome.PASS, verdict.message
    assert verdict.values["compared"] >= 5


def test_other_variants_and_files_alone_are_not_compared(tmp_path: Path) -> None:
    save(tmp_path, "model.fp16.safetensors", state(1, F16))
    save(tmp_path, BIN, state(2))
    for name in ("model.fp16.safetensors", BIN):
        (verdict,) = verdicts(tmp_path / name, REGISTRY, "stale-sibling")
        assert verdict.outcome is Outcome.NOT_APPLICABLE


def test_a_sibling_that_cannot_be_read_is_no_pass(tmp_path: Path) -> None:
    path = save(tmp_path, ST, state())
    (tmp_path / BIN).write_bytes(b"PK\3\4 cut off")
    (verdict,) = verdicts(path, REGISTRY, "stale-sibling")
    assert verdict.outcome is Outcome.INCONCLUSIVE


def beside(*names: str, tensors: State | None = None, index: str = INDEX) -> Write:
    """A sharded checkpoint with further files of weights."""

    def write(folder: Path) -> Path:
        for name in names:
            save(folder, name, state(1) if tensors is None else tensors)
        return shard(folder, state(), index)

    return write


def two_variants(folder: Path) -> Path:
    shard(folder, state(), "diffusion_pytorch_model.safetensors.index.fp16.json")
    return shard(folder, state(), "diffusion_pytorch_model.safetensors.index.json")


OTHERS = {"proj.weight": torch.ones(8, 8), "proj.bias": torch.ones(8)}
HALF = dict(list(state().items())[:2])
ST_INDEX, FP16_INDEX = "safetensors.index.json", "model.safetensors.index.fp16.json"
DIFFUSION = "diffusion_pytorch_model"

STRAYS: Mapping[str, Write] = {
    "the whole model": beside(ST),
    "the whole model quantised": beside(ST, tensors={"layers.0.fc.qweight": torch.ones(8)}),
    "the whole .bin": beside(BIN, index=BIN_INDEX),
    "the whole of diffusers": beside(f"{DIFFUSION}.safetensors", index=f"{DIFFUSION}.{ST_INDEX}"),
    "a variant's whole": beside("model.fp16.safetensors", index=FP16_INDEX),
    **{f"a shard of {n}": beside(f"model-{n:05}-of-{n:05}.safetensors") for n in (1, 3, 4, 12)},
    **{f"a .bin shard of {n}": beside(f"pytorch_model-{n:05}-of-{n:05}.bin", index=BIN_INDEX)
       for n in (3, 5)},
    "shards of three": beside(*(f"model-{n:05}-of-00003.safetensors" for n in (1, 2, 3))),
    "a variant's old shard": beside("model.fp16-00003-of-00003.safetensors", index=FP16_INDEX),
    "a copy": beside("model (1).safetensors"),
    "a copy of a shard": beside("model-00001-of-00002 (1).safetensors"),
    "a backup": beside("model_old.safetensors"),
    "another name": beside("checkpoint.safetensors"),
    "a .bin of another name": beside("last.bin", index=BIN_INDEX),
    "half of it": beside("part.safetensors", tensors={**HALF, "new": torch.ones(2)}),
    "capitals": beside("MODEL.safetensors"),
    "another model": beside(ST, tensors=OTHERS),
}  # fmt: skip

NO_STRAYS: Mapping[str, Write] = {
    "nothing": beside(),
    "one shard": lambda folder: shard(folder, state(), shards=1),
    "the other format": beside(BIN),
    "the other format's shards": indexes(0),
    "two variants": two_variants,
    "a variant whole": beside("model.fp16.safetensors"),
    "another variant whole": beside("model.non_ema.safetensors"),
    "consolidated": beside("consolidated.safetensors"),
    "consolidated shards": beside("consolidated-00001-of-00002.safetensors"),
    "an adapter": beside("adapter_model.safetensors"),
    "a LoRA": beside("my_lora.safetensors"),
    "an optimiser": beside("optimizer.bin", index=BIN_INDEX),
    "training arguments": beside("training_args.bin", index=BIN_INDEX),
    "random states": beside("random_states_0.bin", index=BIN_INDEX),
    "a projector": beside("mm_projector.bin", tensors=OTHERS, index=BIN_INDEX),
    "further heads": beside("medusa_lm_head.safetensors", tensors=OTHERS),
    "a value head": beside("value_head.safetensors"),
    "another part": beside("vae.safetensors", tensors=OTHERS),
    "PyTorch names": beside("model.pt", "model.pth"),
    "another model": beside("speaker.safetensors", tensors=OTHERS),
    "a file in a folder": lambda folder: ((folder / "original").mkdir(),
                                          save(folder / "original", ST, state()),
                                          shard(folder, state()))[-1],
}  # fmt: skip


@pytest.mark.parametrize("write", STRAYS.values(), ids=STRAYS)
def test_strays_are_found(write: Write, tmp_path: Path) -> None:
    told = verdicts(write(tmp_path), REGISTRY, "stray-weight-file")
    assert told
    assert all((v.outcome, v.severity) == (Outcome.FAIL, Severity.WARNING) for v in told)


@pytest.mark.parametrize("write", NO_STRAYS.values(), ids=NO_STRAYS)
def test_what_belongs_beside_an_index_passes(write: Write, tmp_path: Path) -> None:
    (verdict,) = verdicts(write(tmp_path), REGISTRY, "stray-weight-file")
    assert verdict.outcome is Outcome.PASS


PROMISED = (
    ST, "adapter_model.safetensors", "pytorch_lora_weights.safetensors",
    "model-00001-of-00002.safetensors", BIN, "pytorch_model-00001-of-00002.bin",
    "pytorch_model.fp16.bin", "adapter_model.bin", "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.fp16.bin", "open_clip_pytorch_model.bin", "pytorch_lora_weights.bin",
    "model.pt", "model.pth", "model.bin", "model.ckpt", "weights.pt", "consolidated.00.pth",
    "state_dict.pt", "adapter.pt",
)  # fmt: skip
OTHER_NAMES = (
    "training_args.bin", "scheduler.pt", "rng_state.pth", "rng_state_0.pth", "optimizer.pt",
    "trainer_state.pt", "vocab.pt", "tokenizer.pkl", "num_layer.pth", "token_list.pth",
    "metrics.pt", "epoch.pt", "args.pth", "labels.pkl", "scaler.pt", "hparams.pt",
    "noise_schedule.pt", "config.pth", "sampler.bin", "latest.ckpt",
)  # fmt: skip


@pytest.mark.parametrize("content", [{}, {"epoch": 3, "loss": 0.5}], ids=["empty", "scalars"])
@pytest.mark.parametrize("name", PROMISED)
def test_weights_without_tensors_are_found(name: str, content: State, tmp_path: Path) -> None:
    path = save(tmp_path, name, {} if name.endswith(".safetensors") else content)
    (verdict,) = verdicts(path, REGISTRY, "no-tensors")
    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, Severity.ERROR)


@pytest.mark.parametrize("content", [{}, [1, "a"], 7], ids=["empty", "list", "number"])
@pytest.mark.parametrize("name", OTHER_NAMES)
def test_what_promises_no_weights_may_hold_none(name: str, content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / name)
    (verdict,) = verdicts(tmp_path / name, REGISTRY, "no-tensors")
    assert verdict.outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("name", PROMISED)
def test_weights_with_tensors_pass(name: str, tmp_path: Path) -> None:
    (verdict,) = verdicts(save(tmp_path, name, state()), REGISTRY, "no-tensors")
    assert (verdict.outcome, verdict.values) == (Outcome.PASS, {"tensors": 5})


def test_an_empty_index_is_found(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text('{"metadata": {}, "weight_map": {}}')
    (verdict,) = verdicts(tmp_path / INDEX, REGISTRY, "no-tensors")
    assert verdict.outcome is Outcome.FAIL


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_functions_of_torchscript_need_no_tensors(tmp_path: Path) -> None:
    torch.jit.trace(torch.nn.ReLU(), torch.ones(2)).save(str(tmp_path / "model.pt"))
    (verdict,) = verdicts(tmp_path / "model.pt", REGISTRY, "no-tensors")
    assert verdict.outcome is Outcome.NOT_APPLICABLE


def cached(folder: Path, shards: int = 2, commit: str = "0" * 40) -> Path:
    """A sharded checkpoint as the hub's client keeps it, and the path of its index."""
    repository = folder / "models--acme--tiny"
    made, snapshot = folder / "made", repository / "snapshots" / commit
    for new in (made, snapshot, repository / "blobs", repository / "refs"):
        new.mkdir(parents=True, exist_ok=True)
    shard(made, state(), shards=shards)
    (made / "config.json").write_text('{"model_type": "llama"}')
    (made / "tokenizer.json").write_text("{}")
    for file in made.iterdir():
        blob = hashlib.sha256(file.read_bytes()).hexdigest()
        file.rename(repository / "blobs" / blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob)
    shutil.rmtree(made)
    (repository / "refs" / "main").write_text(commit)
    return snapshot / INDEX


def lose(index: Path, name: str) -> Path:
    link = index.parent / name
    link.resolve().unlink()
    return link


def told(path: Path) -> list[tuple[Outcome, Severity, Any]]:
    found = verdicts(path, REGISTRY, "missing-shard")
    return [(v.outcome, v.severity, v.values.get("kind")) for v in found]


PASSES = [(Outcome.PASS, Severity.ERROR, None)]


def test_a_whole_snapshot_passes(tmp_path: Path) -> None:
    index = cached(tmp_path)
    assert told(index) == PASSES
    assert told(index.parent / "model-00001-of-00002.safetensors") == PASSES


def test_a_lost_shard_is_named_with_its_blob(tmp_path: Path) -> None:
    index = cached(tmp_path)
    link = lose(index, "model-00002-of-00002.safetensors")
    assert told(link) == [(Outcome.FAIL, Severity.ERROR, "missing-blob")]
    assert told(index) == [(Outcome.FAIL, Severity.ERROR, "missing-shard")]
    assert told(index.parent / "model-00001-of-00002.safetensors") == PASSES


def test_a_lost_tokenizer_is_told_by_the_index(tmp_path: Path) -> None:
    index = cached(tmp_path)
    lose(index, "tokenizer.json")
    (verdict,) = verdicts(index, REGISTRY, "missing-shard")
    assert verdict.target.name == "tokenizer.json"


@pytest.mark.parametrize("end", [".incomplete", ".0a1b2c3d.incomplete"])
def test_an_unfinished_blob_is_a_warning_where_shards_are_missing(end: str, tmp_path: Path) -> None:
    index = cached(tmp_path)
    blobs = index.parent.parent.parent / "blobs"
    (blobs / f"{'a' * 64}{end}").write_bytes(b"part")
    assert told(index) == [(Outcome.FAIL, Severity.NOTE, "unfinished-download")]
    (index.parent / "model-00002-of-00002.safetensors").unlink()
    kinds = [(Outcome.FAIL, Severity.ERROR, "missing-shard")]
    assert told(index) == [*kinds, (Outcome.FAIL, Severity.WARNING, "unfinished-download")]


def test_an_unfinished_blob_of_a_link_is_told_with_it(tmp_path: Path) -> None:
    index = cached(tmp_path)
    link = lose(index, "model-00002-of-00002.safetensors")
    blob = link.readlink().name
    (link.parent / link.readlink()).with_name(f"{blob}.incomplete").write_bytes(b"part")
    (verdict,) = verdicts(link, REGISTRY, "missing-shard")
    assert "4 bytes" in verdict.message


def test_a_blob_that_was_finished_later_is_no_finding(tmp_path: Path) -> None:
    index = cached(tmp_path)
    blob = index.resolve()
    blob.with_name(f"{blob.name}.0a1b2c3d.incomplete").write_bytes(b"part")
    assert told(index) == PASSES


def test_a_branch_without_a_snapshot_is_a_warning(tmp_path: Path) -> None:
    index = cached(tmp_path)
    (index.parent.parent.parent / "refs" / "main").write_text("f" * 40)
    assert told(index) == [(Outcome.FAIL, Severity.WARNING, "lost-revision")]


def test_a_link_to_another_blob_than_is_listed_is_an_error(tmp_path: Path) -> None:
    index = cached(tmp_path)
    trees = index.parent.parent.parent / "trees"
    trees.mkdir()
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    blobs = [(index.parent / name).readlink().name for name in names]
    for first, kind in ((blobs[0], None), (blobs[1], "wrong-blob")):
        files = {names[0]: {"size": 1, "blob_id": "0" * 40, "lfs_sha256": first}, "absent": {}}
        listing = json.dumps({"format_version": 1, "files": files})
        (trees / f"{index.parent.name}.json").write_text(listing)
        outcome = Outcome.PASS if kind is None else Outcome.FAIL
        assert told(index.parent / names[0]) == [(outcome, Severity.ERROR, kind)]


def test_markers_of_absent_files_are_healthy(tmp_path: Path) -> None:
    index = cached(tmp_path)
    repository = index.parent.parent.parent
    marker = repository / ".no_exist" / index.parent.name / "model.safetensors"
    marker.parent.mkdir(parents=True)
    marker.touch()
    report = check_json("--profile", "safety", repository)
    assert str(marker) not in [file["path"] for file in report["files"]]
    assert report["run"]["exit_code"] == 0
