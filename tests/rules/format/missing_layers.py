"""Cases of FMT015."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import load_file, save_file
from tiny_models.faults import without_layer
from tiny_models.tiny_transformers import reworded, saved

Write = Callable[[Path], Path]
BLOCK = ("attn.qkv", "attn.out", "mlp.up", "mlp.down", "norm1", "norm2")


def layers(*numbers: int, stack: str = "blocks", names: tuple[str, ...] = BLOCK) -> Write:
    """A model of numbered blocks without a configuration."""

    def write(folder: Path) -> Path:
        state = {f"{stack}.{i}.{n}.weight": torch.ones(4, 4) for i in numbers for n in names}
        torch.save({"embed.weight": torch.ones(9, 4), **state}, folder / "model.pt")
        return folder / "model.pt"

    return write


def files(*names: str, judged: int = 0, others: tuple[str, ...] = ()) -> Write:
    """Files of one save; gives the one that is judged."""

    def write(folder: Path) -> Path:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            torch.save({"layers.0.w": torch.ones(4, 4)}, folder / name)
        for name in others:
            (folder / name).touch()
        return folder / names[judged]

    return write


def stated(number: int) -> Write:
    return lambda folder: reworded(
        saved("llama")(folder), lambda config: config.update(num_hidden_layers=number)
    )


def without(kind: str, part: str) -> Write:
    """A model of transformers without the tensors whose names hold `part`."""

    def write(folder: Path) -> Path:
        path = saved(kind)(folder)
        kept = {key: tensor for key, tensor in load_file(path).items() if part not in key}
        save_file(kept, path, {"format": "pt"})
        return path

    return write


def lacking(message: str, /, **values: int) -> tuple[Expected, ...]:
    return (Expected("fail", "error", "high", values=values, message=message),)


WHOLE = (Expected("pass"),)
NOTHING = (Expected("not-applicable", message="no numbered layers"),)

CASES = (
    Case(
        "all layers that are stated",
        saved("llama"),
        (Expected("pass", values={"layers": 3, "stacks": 1, "stated": 1}),),
    ),
    Case(
        "fewer than are stated",
        stated(6),
        lacking("holds layers 0–2 and lacks 3–5", layers=3, missing=3),
    ),
    Case(
        "the first of those that are stated",
        lambda folder: without_layer(saved("bert")(folder), 0),
        lacking("holds layers 1–2 and lacks 0", missing=1),
    ),
    Case("more than are stated are FMT008's", stated(2), WHOLE),
    Case(
        "a layer without its feed-forward part",
        without("llama", "model.layers.1.mlp."),
        lacking("model.layers.1 lacks 3 tensors that the other layers hold", layers=1, missing=3),
    ),
    Case(
        "the last layer without one tensor",
        without("bert", "layer.2.attention.self.key.bias"),
        lacking("layer.2 lacks 1 tensor that the other layers hold", layers=1, missing=1),
    ),
    Case("a table that the first layer of a T5 alone has", saved("t5"), WHOLE),
    Case("a gap", layers(0, 1, 3), lacking("blocks holds layers 0–1, 3 and lacks 2", missing=1)),
    Case(
        "a gap between experts",
        layers(0, 1, 2, 4, stack="layers.0.mlp.experts", names=("up", "down")),
        lacking("layers.0.mlp.experts holds layers 0–2, 4 and lacks 3"),
    ),
    Case("no gap", layers(0, 1, 2, 3), (Expected("pass", values={"layers": 4, "stated": 0}),)),
    Case("a stage of a pipeline holds the later layers", layers(4, 5, 6), WHOLE),
    Case("every second layer", layers(0, 2, 4, 6), WHOLE),
    Case("a choice of layers", layers(0, 2, 4, 7, 9, 11), WHOLE),
    Case("modules of a Sequential", layers(0, 1, 3, 6, stack="net"), NOTHING),
    Case("modules of few tensors", layers(0, 1, 3, names=("conv", "norm")), NOTHING),
    Case("an adapter holds some layers", layers(0, 1, 3, names=("lora_A", *BLOCK)), NOTHING),
    Case(
        "shards without an index",
        files("model-00001-of-00003.bin", "model-00003-of-00003.bin"),
        lacking("1 of 3 files of this save are absent: 2", present=2, absent=1),
    ),
    Case(
        "the first shard speaks for all",
        files("model-00001-of-00003.bin", "model-00003-of-00003.bin", judged=1),
        (Expected("not-applicable", message="judged with the first file"),),
    ),
    Case(
        "a rank of as many as the name says",
        files("model_world_size_2_rank_1.pt"),
        lacking("absent: 0", present=1, absent=1),
    ),
    Case(
        "all ranks",
        files("model_world_size_2_rank_0.pt", "model_world_size_2_rank_1.pt"),
        (Expected("pass", values={"files": 2}),),
    ),
    Case(
        "a folder of a tensor-parallel rank",
        files("mp_rank_00/model.pt", "mp_rank_02/model.pt"),
        lacking("absent: 1", present=2, absent=1),
    ),
    Case(
        "a part of an optimiser's state",
        files(
            "zero_pp_rank_0_mp_rank_00_optim_states.pt",
            "zero_pp_rank_1_mp_rank_00_optim_states.pt",
            "zero_pp_rank_3_mp_rank_00_optim_states.pt",
        ),
        lacking("absent: 2_0", present=3, absent=1),
    ),
    Case(
        "the ranks of adapters are none of processes",
        files("lora_rank4.pt", "lora_rank8.pt"),
        NOTHING,
    ),
    Case(
        "states of random generators",
        files("rng_state_0.pth", "rng_state_2.pth"),
        NOTHING,
    ),
)
