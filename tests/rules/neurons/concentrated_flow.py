"""Cases of NEU006: a few units that carry nearly all, in networks of several kinds."""

from __future__ import annotations

import torch
from hand_built import random_weights
from planted_layers import FILES, Change, written
from rule_cases import Case, Expected
from saved_as import save_as


def grown(units: int, factor: float = 60) -> Change:
    """Units whose weights in and out are multiplied."""

    def change(into: torch.Tensor, out: torch.Tensor) -> None:
        into[2 : 2 + units] *= factor
        out[:, 2 : 2 + units] *= factor

    return change


def faded(into: torch.Tensor, out: torch.Tensor) -> None:
    """All units but one of small weights; a tenth of them still counts."""
    into[1:] *= 0.02
    out[:, 1:] *= 0.02


def nothing(into: torch.Tensor, out: torch.Tensor) -> None:
    """As it is initialised."""


PLANTED = tuple(
    Case(
        f"{architecture} {container} {dtype}",
        written(architecture, grown(1) if seed % 2 else faded, container, dtype, seed),
        (Expected("fail", "information", message="most add next to nothing"),),
    )
    for seed, (architecture, container, dtype) in enumerate(FILES)
)

NEAR_MISSES = tuple(
    Case(
        f"{title}: {architecture} {container} {dtype}",
        written(architecture, change, container, dtype, seed),
        (Expected("pass", message="in none do a few units carry nearly all of the flow"),),
    )
    for seed, (architecture, container, dtype) in enumerate(FILES)
    for title, change in (
        ("a fifth of the units", grown(8)),
        ("one unit of four times the weights", grown(1, 4)),
        ("as it is", nothing),
    )[seed % 3 :: 3]
)


def mlp(width: int, change: Change, container: str = "pt") -> Case:
    weights = random_weights(0, 20, width, 8)
    change(weights[0], weights[1])
    state = {f"fc{i}.weight": weight for i, weight in enumerate(weights)}
    return Case(f"{width}", lambda folder: save_as(state, folder, container), ())


def dead(into: torch.Tensor, out: torch.Tensor) -> None:
    into[20:] = 0


def hot(into: torch.Tensor, out: torch.Tensor) -> None:
    grown(1, 1000)(into, out)


CASES = (
    *PLANTED,
    *NEAR_MISSES,
    Case(
        "dead units are left out: NEU001 tells of them",
        mlp(500, dead).write,
        (Expected("pass", values={"layers": 1}),),
    ),
    Case(
        "fewer units than one in twenty can be", mlp(15, hot).write, (Expected("not-applicable"),)
    ),
    Case(
        "the width is an option",
        mlp(200, hot).write,
        (Expected("not-applicable"),),
        {"min-width": 201},
    ),
    Case(
        "the limit is an option",
        mlp(200, hot).write,
        (Expected("pass"),),
        {"min-participation": 0.001},
    ),
)
