"""Cases of CLU006."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import planted_convolutions, planted_weights, random_weights
from rule_cases import Case, Expected

SIZES = (60, 50, 50, 50, 10)
QUICK = {"clusters": 10, "shuffles": 19}
FLOOR = 1 / 20


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save({f"{i}.weight": w for i, w in enumerate(weights)}, folder / "model.pt")
        return folder / "model.pt"

    return write


def embedding(folder: Path) -> Path:
    torch.save({"table": torch.randn(30, 4)}, folder / "model.pt")
    return folder / "model.pt"


PLANTED = written(planted_weights(0, 10, *SIZES))
ALSO_PLANTED = written(planted_weights(5, 10, *SIZES))
RANDOM = written(random_weights(7, *SIZES))
CASES = (
    Case(
        "without a baseline it does not apply",
        PLANTED,
        (Expected("not-applicable", message="no checkpoint to compare with"),),
        QUICK,
    ),
    Case(
        "the verdict is lost",
        RANDOM,
        (
            Expected(
                "fail",
                "note",
                target=("network", "0"),
                values={"baseline_p_value": FLOOR, "clusters": 10, "shuffles": 19},
                message="no longer clusterable: n-cut ",
            ),
        ),
        QUICK,
        PLANTED,
    ),
    Case(
        "both are clusterable",
        ALSO_PLANTED,
        (
            Expected(
                "pass",
                values={"p_value": FLOOR, "baseline_p_value": FLOOR},
                message="clusterable as in the baseline",
            ),
        ),
        QUICK,
        PLANTED,
    ),
    Case(
        "of the convolutions alone, as CLU001",
        planted_convolutions,
        (
            Expected(
                "pass",
                values={"part": "convolutions", "neurons": 120, "baseline_p_value": FLOOR},
                message="clusterable as in the baseline",
            ),
        ),
        QUICK | {"part": "convolutions"},
        planted_convolutions,
    ),
    Case(
        "the verdict is won",
        PLANTED,
        (Expected("pass", message="clusterable, which the baseline was not"),),
        QUICK,
        RANDOM,
    ),
    Case(
        "there was none to lose",
        RANDOM,
        (Expected("pass", message="not clusterable, nor was the baseline"),),
        QUICK,
        written(random_weights(8, *SIZES)),
    ),
    Case(
        "max-z decides instead of p",
        RANDOM,
        (Expected("pass", message="clusterable as in the baseline"),),
        QUICK | {"max-z": 1e6},
        PLANTED,
    ),
    Case(
        "by the spectral sum",
        RANDOM,
        (
            Expected(
                "fail",
                values={"method": "spectral", "statistic": "spectral_sum", "baseline_shuffles": 19},
                message="no longer clusterable: spectral sum ",
            ),
        ),
        QUICK | {"method": "spectral"},
        PLANTED,
    ),
    Case(
        "too few shuffles for max-p",
        RANDOM,
        (Expected("inconclusive", message="set shuffles to 99 or more"),),
        QUICK | {"max-p": 0.01},
        PLANTED,
    ),
    Case(
        "another width",
        PLANTED,
        (Expected("inconclusive", message="differs: 40 neurons in '0', here 50"),),
        QUICK,
        written(random_weights(0, 60, 40, 50, 50, 10)),
    ),
    Case(
        "another depth",
        PLANTED,
        (Expected("inconclusive", message="differs: 4 groups of neurons, here 5"),),
        QUICK,
        written(random_weights(0, 60, 50, 50, 10)),
    ),
    Case(
        "the baseline cannot be tested",
        PLANTED,
        (Expected("inconclusive", message="the baseline: "),),
        QUICK,
        written([torch.ones_like(w) for w in random_weights(0, *SIZES)]),
    ),
    Case(
        "the baseline has no network",
        PLANTED,
        (Expected("inconclusive", message="the baseline's network could not be rebuilt: "),),
        QUICK,
        embedding,
    ),
    Case("the file has no network", embedding, (Expected("not-applicable"),), QUICK, PLANTED),
)
