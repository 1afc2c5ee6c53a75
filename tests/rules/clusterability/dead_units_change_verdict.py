"""Cases of CLU004."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import faded, planted_weights, random_weights
from rule_cases import Case, Expected

SIZES = (60, 50, 50, 50, 10)
QUICK = {"clusters": 10, "shuffles": 19}


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    """A state_dict of linear layers."""

    def write(folder: Path) -> Path:
        torch.save({f"{i}.weight": weight for i, weight in enumerate(weights)}, folder / "m.pt")
        return folder / "m.pt"

    return write


def with_nan() -> list[torch.Tensor]:
    return [torch.full((8, 5), math.nan), torch.ones(6, 8)]


HIDING = faded(random_weights(2, *SIZES), 0.1, 1e-8)
FAKING = faded(random_weights(3, *SIZES), 0.2, 1e-8)
PLANTED = faded(planted_weights(0, 10, *SIZES), 0.1, 1e-8)

CASES = (
    Case(
        "every unit carries something",
        written(random_weights(0, *SIZES)),
        (
            Expected(
                "pass",
                target=("network", "0"),
                values={"negligible": 0},
                message="no unit of negligible flow",
            ),
        ),
    ),
    Case(
        "a random network that units without flow make look clusterable",
        written(FAKING),
        (
            Expected(
                "fail",
                "information",
                target=("network", "0"),
                values={
                    "negligible": 30,
                    "by_role": {"hidden": 30},
                    "clusters": 10,
                    "shuffles": 19,
                    "seed": 0,
                    "p_value": 1 / 20,
                },
                message="clusters are better than shuffled with 30 units of negligible flow (z -",
            ),
        ),
        QUICK,
    ),
    Case(
        "a random network that units without flow make look less than random",
        written(HIDING),
        (
            Expected(
                "fail",
                "information",
                values={"negligible": 15, "p_value": 1.0},
                message="clusters are worse than shuffled with 15 units of negligible flow (z ",
            ),
        ),
        QUICK,
    ),
    Case(
        "planted modules, with or without",
        written(PLANTED),
        (
            Expected(
                "pass",
                values={"negligible": 15, "p_value": 1 / 20, "p_value_without": 1 / 20},
                message=", p 0.05), better without (z -",
            ),
        ),
        QUICK,
    ),
    Case(
        "a small change may be chance",
        written(FAKING),
        (Expected("pass", message="so small a change may be chance"),),
        QUICK | {"min-change": 1000.0},
    ),
    Case(
        "what counts as negligible is an option",
        written(FAKING),
        (Expected("pass", values={"negligible": 0}),),
        QUICK | {"min-flow": 1e-20},
    ),
    Case(
        "too few shuffles for max-p",
        written(FAKING),
        (Expected("inconclusive", message="19 shuffles cannot give a p below 0.05"),),
        QUICK | {"max-p": 0.01},
    ),
    Case(
        "too few units carry something",
        written(faded(random_weights(0, 12, 30, 30, 10), 0.9, 1e-8)),
        (
            Expected(
                "inconclusive",
                message="without units of negligible flow: 28 connected neurons are too few for 10",
            ),
        ),
        QUICK,
    ),
    Case(
        "too many connections",
        written(FAKING),
        (
            Expected(
                "inconclusive",
                message="check --config rules.dead-units-change-verdict.max-connections=8500",
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
