"""Cases of CLU002."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import planted_weights, random_weights
from rule_cases import Case, Expected


def side_by_side(*widths: int) -> Callable[[Path], Path]:
    """Networks of two layers that share no weight: a module each, of three times their width."""

    def write(folder: Path) -> Path:
        generator = torch.Generator().manual_seed(0)
        blocks = [torch.rand(2, width, width, generator=generator) + 0.5 for width in widths]
        state = {f"{i}.weight": torch.block_diag(*(b[i] for b in blocks)) for i in range(2)}
        torch.save(state, folder / "model.pt")
        return folder / "model.pt"

    return write


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save({f"{i}.weight": w for i, w in enumerate(weights)}, folder / "model.pt")
        return folder / "model.pt"

    return write


def effective(*shares: float) -> float:
    """exp(entropy) as a share of all clusters."""
    return math.prod(share**-share for share in shares) / len(shares)


CASES = (
    Case(
        "equal modules",
        side_by_side(8, 8, 8),
        (
            Expected(
                "pass",
                target=("network", "0"),
                values={
                    "sizes": (24, 24, 24),
                    "clusters": 3,
                    "balance": 1.0,
                    "largest_share": 1 / 3,
                    "neurons": 72,
                    "isolated_units": 0,
                },
                message="3 modules of 24 to 24 neurons, as diverse as 3.0 equal ones",
            ),
        ),
    ),
    Case(
        "one module holds most neurons",
        side_by_side(24, 4, 4),
        (
            Expected(
                "fail",
                "information",
                values={
                    "sizes": (72, 12, 12),
                    "balance": effective(0.75, 0.125, 0.125),
                    "largest_share": 0.75,
                },
                message="the largest holds 75%",
            ),
        ),
    ),
    Case(
        "the limits are options",
        side_by_side(24, 4, 4),
        (Expected("pass"),),
        {"max-largest-share": 0.8},
    ),
    Case(
        "few effective modules",
        side_by_side(8, 8, 8),
        (Expected("fail"),),
        {"max-largest-share": 0.1},
    ),
    Case(
        "no modules, and so none of unequal sizes",
        written(random_weights(0, 50, 40, 40, 10)),
        (Expected("not-applicable", message="no modules (CLU007)"),),
    ),
    Case(
        "weak modules are none",
        written(planted_weights(0, 10, 100, 80, 80, 80, 10)),
        (Expected("not-applicable", message="only weak modules (CLU007)"),),
        {"min-effect": 0.5},
    ),
    Case(
        "too few neurons",
        side_by_side(1, 1),
        (Expected("inconclusive", message="6 connected neurons are too few"),),
    ),
    Case(
        "no hidden units",
        written(random_weights(0, 50, 10)),
        (Expected("not-applicable", message="no network of the file has hidden units"),),
    ),
)
