"""Cases of CLU006."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import planted_weights, random_weights, rescaled
from rule_cases import Case, Expected

SIZES = (100, 80, 80, 80, 10)
QUICK = {"shuffles": 19}
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
                values={"baseline_p_value": FLOOR, "baseline_clusters": 8, "shuffles": 19},
                message="no longer modules: effect ",
            ),
        ),
        QUICK,
        PLANTED,
    ),
    Case(
        "both have modules",
        ALSO_PLANTED,
        (
            Expected(
                "pass",
                values={"p_value": FLOOR, "baseline_p_value": FLOOR},
                message="modules as in the baseline",
            ),
        ),
        QUICK,
        PLANTED,
    ),
    Case(
        "no scale of units makes a difference",
        written(rescaled(planted_weights(0, 10, *SIZES), 5.0)),
        (Expected("pass", message="modules as in the baseline"),),
        QUICK,
        PLANTED,
    ),
    Case(
        "the verdict is won",
        PLANTED,
        (Expected("pass", message="modules, which the baseline had not"),),
        QUICK,
        RANDOM,
    ),
    Case(
        "there was none to lose",
        RANDOM,
        (Expected("pass", message="no modules, nor had the baseline any"),),
        QUICK,
        written(random_weights(8, *SIZES)),
    ),
    Case(
        "weaker than the limit",
        PLANTED,
        (Expected("pass", message="no modules, nor had the baseline any"),),
        QUICK | {"min-effect": 0.5},
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
        (Expected("inconclusive", message="differs: 70 neurons in '0', here 80"),),
        QUICK,
        written(random_weights(0, 100, 70, 80, 80, 10)),
    ),
    Case(
        "another depth",
        PLANTED,
        (Expected("inconclusive", message="differs: 4 groups of neurons, here 5"),),
        QUICK,
        written(random_weights(0, 100, 80, 80, 10)),
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
