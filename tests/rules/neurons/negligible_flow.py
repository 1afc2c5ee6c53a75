"""Cases of NEU002."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import faded, random_weights
from rule_cases import Case, Expected

SIZES = (30, 40, 20, 10)


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    """A state_dict of linear layers."""

    def write(folder: Path) -> Path:
        state: dict[str, torch.Tensor] = {}
        for i, weight in enumerate(weights):
            state |= {f"fc{i}.weight": weight, f"fc{i}.bias": torch.zeros(len(weight))}
        torch.save(state, folder / "model.pt")
        return folder / "model.pt"

    return write


def healthy() -> list[torch.Tensor]:
    return random_weights(0, *SIZES)


def with_nan() -> list[torch.Tensor]:
    weights = healthy()
    weights[1][2, 3] = math.nan
    return weights


def unread() -> list[torch.Tensor]:
    """Nothing reads units 0 to 3 of the first layer, nothing drives 0 and 1 of the second."""
    weights = healthy()
    weights[1][:, :4] = 0
    weights[1][:2] = 0
    return weights


def cut_through() -> list[torch.Tensor]:
    weights = healthy()
    weights[1][:, :20] = 0
    weights[1][:10] = 0
    weights[2][:, 10:] = 0
    return weights


def passing(total: int, *, negligible: int = 0, unconnected: int = 0) -> Expected:
    values = {"negligible": negligible, "total": total, "unconnected": unconnected}
    return Expected("pass", values=values | {"share": negligible / total})


def failing(total: int, *indices: int) -> Expected:
    values = {"negligible": len(indices), "total": total, "indices": indices}
    return Expected("fail", "note", values=values | {"share": len(indices) / total})


CASES = (
    Case(
        "a healthy network passes layer by layer",
        written(healthy()),
        (
            Expected(
                "pass",
                target=("layer", "fc0"),
                values={"negligible": 0, "total": 40, "share": 0.0, "indices": ()},
                message="0 of 40 hidden units carry next to nothing",
            ),
            passing(20),
        ),
    ),
    Case(
        "a tenth of the units scaled to 1e-8",
        written(faded(healthy(), 0.1, 1e-8)),
        (
            Expected(
                "fail",
                "note",
                target=("units", "fc0"),
                values={"indices": (0, 1, 2, 3), "share": 0.1, "total": 40},
                message="4 of 40 hidden units carry next to nothing (10.0%): the flow of weight"
                " through each is below 0.001 of the layer's mean",
            ),
            failing(20, 0, 1),
        ),
    ),
    Case(
        "a twentieth is not yet a finding, and is told",
        written(faded(healthy(), 0.05, 1e-8)),
        (passing(40, negligible=2), passing(20, negligible=1)),
    ),
    Case(
        "the share is an option",
        written(faded(healthy(), 0.05, 1e-8)),
        (failing(40, 0, 1), failing(20, 0)),
        {"max-share": 0.04},
    ),
    Case(
        "the flow is an option",
        written(faded(healthy(), 0.1, 1e-5)),
        (passing(40), passing(20)),
        {"min-flow": 1e-8},
    ),
    Case(
        "units without any weight are NEU001's",
        written(unread()),
        (passing(40, unconnected=4), passing(20, unconnected=2)),
    ),
    Case(
        "units from which no path leads to the output are dead, which NEU001 tells",
        written(cut_through()),
        (passing(40, unconnected=40), passing(20, unconnected=20)),
    ),
    Case(
        "a network without a hidden layer is not passed",
        written(random_weights(0, 8, 3)),
        (Expected("not-applicable", message="no network of the file has a hidden layer"),),
    ),
    Case(
        "NaN",
        written(with_nan()),
        (Expected("inconclusive", message="'fc1.weight' holds NaN or infinity"),),
    ),
)
