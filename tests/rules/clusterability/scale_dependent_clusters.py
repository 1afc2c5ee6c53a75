"""Cases of CLU003."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import faded, planted_weights, random_weights, rescaled
from rule_cases import Case, Expected

SIZES = (60, 50, 50, 50, 10)
QUICK = {"clusters": 10}


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    """A state_dict of linear layers."""

    def write(folder: Path) -> Path:
        torch.save({f"{i}.weight": weight for i, weight in enumerate(weights)}, folder / "m.pt")
        return folder / "m.pt"

    return write


def with_nan() -> list[torch.Tensor]:
    return [torch.full((8, 5), math.nan), torch.ones(6, 8)]


PLANTED = planted_weights(0, 10, *SIZES)

CASES = (
    Case(
        "planted modules",
        written(PLANTED),
        (
            Expected(
                "pass",
                target=("network", "0"),
                message="(median of 3 layers)",
            ),
        ),
        QUICK,
    ),
    Case(
        "the same function, its units rescaled",
        written(rescaled(PLANTED, 1.0)),
        (
            Expected(
                "fail",
                "information",
                target=("network", "0"),
                values={"clusters": 10, "seed": 0},
                message="clusters depend on scales that do not change the function (n-cut ",
            ),
        ),
        QUICK,
    ),
    Case(
        "the same function, a layer times 1,000 and the next divided by that",
        written([PLANTED[0] * 1e3, PLANTED[1] * 1e-3, *PLANTED[2:]]),
        (
            Expected(
                "fail",
                "information",
                message="offset 13.9 in layer 0: clusters depend on scales",
            ),
        ),
        QUICK,
    ),
    Case(
        "a layer divided by 1,000",
        written([PLANTED[0], PLANTED[1] * 1e-3, PLANTED[2] * 1e3, PLANTED[3]]),
        (Expected("fail", message=" in layer 1: clusters depend on"),),
        QUICK,
    ),
    Case(
        "that bound is an option too",
        written([PLANTED[0] * 1e3, PLANTED[1] * 1e-3, *PLANTED[2:]]),
        (Expected("pass"),),
        QUICK | {"max-offset": 20.0},
    ),
    Case(
        "the bound is an option",
        written(rescaled(PLANTED, 1.0)),
        (Expected("pass"),),
        QUICK | {"max-spread": 5.0},
    ),
    Case(
        "a tighter bound",
        written(PLANTED),
        (Expected("fail", "information"),),
        QUICK | {"max-spread": 0.01},
    ),
    Case(
        "units that carry nothing have no scale",
        written(faded(PLANTED, 0.1, 1e-8)),
        (Expected("pass"),),
        QUICK,
    ),
    Case(
        "too few neurons for clusters: the spread alone",
        written(rescaled(random_weights(0, 10, 8, 4), 1.0)),
        (Expected("fail", message="clusters depend on scales that do not change the function"),),
    ),
    Case(
        "one weight out of each unit tells no scale",
        written(rescaled(random_weights(0, 10, 8, 1), 1.0)),
        (Expected("not-applicable", message="hidden layer whose scales can be measured"),),
    ),
    Case(
        "too many connections",
        written(PLANTED),
        (
            Expected(
                "inconclusive",
                message="check --config rules.scale-dependent-clusters.max-connections=8500",
            ),
        ),
        {"max-connections": 8499},
    ),
    Case(
        "NaN",
        written(with_nan()),
        (Expected("inconclusive", message="'0.weight' holds NaN or infinity"),),
    ),
)
