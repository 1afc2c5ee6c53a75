"""Cases of NEU007: a unit whose weights have grown, in networks of several kinds."""

from __future__ import annotations

import torch
from hand_built import random_weights
from planted_layers import FILES, Change, written
from rule_cases import Case, Expected
from saved_as import save_as


def grown(factor: float, units: int = 1) -> Change:
    """Units whose weights in and out are multiplied."""

    def change(into: torch.Tensor, out: torch.Tensor) -> None:
        into[3 : 3 + units] *= factor
        out[:, 3 : 3 + units] *= factor

    return change


def rescaled(into: torch.Tensor, out: torch.Tensor) -> None:
    """The same function of a ReLU's unit: large on one side, small on the other."""
    into[3] *= 1000
    out[:, 3] /= 1000


def nothing(into: torch.Tensor, out: torch.Tensor) -> None:
    """As it is initialised."""


PLANTED = tuple(
    Case(
        f"{architecture} {container} {dtype}",
        written(architecture, grown(30), container, dtype, seed),
        (
            Expected(
                "fail",
                "warning",
                values={"unit": 3},
                message="unit 3 carries",
            ),
        ),
    )
    for seed, (architecture, container, dtype) in enumerate(FILES)
)

NEAR_MISSES = tuple(
    Case(
        f"{title}: {architecture} {container} {dtype}",
        written(architecture, change, container, dtype, seed),
        (Expected("pass", message="in none does one unit carry most of the flow"),),
    )
    for seed, (architecture, container, dtype) in enumerate(FILES)
    for title, change in (
        ("twice the weights", grown(2)),
        ("the scale is on one side", rescaled),
        ("three units of one size", grown(30, 3)),
        ("as it is", nothing),
    )[seed % 4 :: 4]
)


def mlp(width: int, change: Change) -> Case:
    weights = random_weights(0, 20, width, 8)
    change(weights[0], weights[1])
    state = {f"fc{i}.weight": weight for i, weight in enumerate(weights)}
    narrow = width < 16
    told = Expected("not-applicable", message="no network of the file has a hidden layer of 16")
    return Case(
        f"{width} units",
        lambda folder: save_as(state, folder, "pt"),
        (told if narrow else Expected("fail", "note", values={"total": width, "unit": 3}),),
    )


def dead(into: torch.Tensor, out: torch.Tensor) -> None:
    into[:3], into[4:] = 0, 0


CASES = (
    *PLANTED,
    *NEAR_MISSES,
    mlp(15, grown(100)),
    mlp(16, grown(100)),
    Case(
        "the width is an option",
        mlp(15, grown(100)).write,
        (Expected("fail"),),
        {"min-width": 8},
    ),
    Case(
        "the share is an option",
        mlp(16, grown(100)).write,
        (Expected("pass"),),
        {"max-share": 1.0},
    ),
    Case(
        "one unit that is left of a layer",
        mlp(40, dead).write,
        (Expected("fail", values={"largest_share": 1.0, "connected": 1}),),
    ),
)
