"""Cases of STR001: layers of zeros, and pruning that leaves no way through."""

from __future__ import annotations

import torch
from hand_built import random_weights
from planted_layers import FILES, Change, written
from rule_cases import Case, Expected
from saved_as import save_as


def emptied(into: torch.Tensor, out: torch.Tensor) -> None:
    """Nothing drives the layer."""
    into.zero_()


def unread(into: torch.Tensor, out: torch.Tensor) -> None:
    """Nothing of the layer is read."""
    out.zero_()


def apart(into: torch.Tensor, out: torch.Tensor) -> None:
    """The units that are driven are not those that are read."""
    half = len(into) // 2
    into[:half].zero_()
    out[:, half:].zero_()


def thread(into: torch.Tensor, out: torch.Tensor) -> None:
    """One weight in and one out is left."""
    kept = into[3, 1].clone(), out[2, 3].clone()
    into.zero_()
    out.zero_()
    into[3, 1], out[2, 3] = kept


def half(into: torch.Tensor, out: torch.Tensor) -> None:
    """The units that are driven are read."""
    into[: len(into) // 2].zero_()
    out[:, : len(into) // 2].zero_()


def tiny(into: torch.Tensor, out: torch.Tensor) -> None:
    """Small, and not zero, in any type."""
    into.mul_(0.01)
    out.mul_(0.01)


def nothing(into: torch.Tensor, out: torch.Tensor) -> None:
    """As it is initialised."""


BRANCHED = ("llama", "bert")
CHANGES: tuple[Change, ...] = (emptied, unread, apart)
OTHERS: tuple[Change, ...] = (thread, half, tiny, nothing)


def severity(architecture: str, change: Change) -> str:
    """What runs along a residual stream goes around a layer of zeros; a head may be fresh."""
    if architecture in BRANCHED:
        return "note"
    return "warning" if architecture == "normed" and change is unread else "error"


def planted(seed: int, architecture: str, container: str, dtype: torch.dtype) -> Case:
    coupled = architecture in BRANCHED or architecture == "normed"  # statistics lead across
    changes = (emptied, unread) if coupled else CHANGES
    change = changes[seed % len(changes)]
    told = "all zero" if architecture in BRANCHED else "no path leads from the input to the output"
    return Case(
        f"{seed} {change.__name__}: {architecture} {container}",
        written(architecture, change, container, dtype, seed),
        (Expected("fail", severity(architecture, change), message=told),),
    )


def near(seed: int, architecture: str, container: str, dtype: torch.dtype) -> Case:
    change = OTHERS[seed % len(OTHERS)]
    return Case(
        f"{seed} {change.__name__}: {architecture} {container}",
        written(architecture, change, container, dtype, seed),
        (Expected("pass", message="none of zeros; the input reaches the output"),),
    )


def state(*sizes: int, **changed: torch.Tensor) -> dict[str, torch.Tensor]:
    weights = random_weights(0, *sizes)
    return {f"fc{i}.weight": weight for i, weight in enumerate(weights)} | changed


ADAPTER = {
    f"base_model.model.layers.{i}.self_attn.q_proj.lora_{side}.weight": value
    for i in range(2)
    for side, value in (("A", torch.ones(8, 64)), ("B", torch.zeros(64, 8)))
}
CONTROL = {
    "controlnet_down_blocks.0.weight": torch.zeros(32, 32, 1, 1),
    "controlnet_mid_block.weight": torch.zeros(64, 64, 1, 1),
    "time_embedding.linear_1.weight": torch.ones(64, 32),
}
STREAM = torch.zeros(32)

CASES = (
    *(planted(seed, *file) for seed, file in enumerate(FILES)),
    *(near(seed, *file) for seed, file in enumerate(FILES)),
    Case(
        "a network that is guessed from names makes a note",
        lambda folder: save_as(
            state(30, 40, 20, **{"fc0.weight": torch.zeros(40, 30)}), folder, "pt"
        ),
        (Expected("fail", "note", "low", values={"reached": 0, "zero": ("fc0",)}),),
    ),
    Case(
        "zero convolutions of a network that is not rebuilt make a note",
        lambda folder: save_as(CONTROL, folder, "safetensors"),
        (
            Expected(
                "fail", "note", "low", values={"layers": 3}, message="2 layer weights of zeros"
            ),
        ),
    ),
    Case(
        "an adapter begins at zero: that is TRN003's",
        lambda folder: save_as(ADAPTER, folder, "safetensors"),
        (Expected("not-applicable", message="an adapter"),),
    ),
    Case(
        "a table of zeros is no layer",
        written("bert", nothing, "safetensors", seed=40),
        (Expected("pass", values={"zero": (), "stops": ()}),),
    ),
)
