"""Cases of CLU002."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected


def side_by_side(*widths: int) -> Callable[[Path], Path]:
    """Networks of two layers that share no weight: a cluster each, of three times their width."""

    def write(folder: Path) -> Path:
        generator = torch.Generator().manual_seed(0)
        blocks = [torch.rand(2, width, width, generator=generator) + 0.5 for width in widths]
        state = {f"{i}.weight": torch.block_diag(*(b[i] for b in blocks)) for i in range(2)}
        torch.save(state, folder / "model.pt")
        return folder / "model.pt"

    return write


def effective(*shares: float) -> float:
    """exp(entropy) as a share of all clusters."""
    return math.prod(share**-share for share in shares) / len(shares)


CASES = (
    Case(
        "equal clusters",
        side_by_side(8, 8, 8),
        (
            Expected(
                "pass",
                target=("network", "0"),
                values={
                    "sizes": (24, 24, 24),
                    "balance": 1.0,
                    "largest_share": 1 / 3,
                    "neurons": 72,
                    "isolated_units": 0,
                },
                message="3 clusters of 24 to 24 neurons, as diverse as 3.0 equal ones",
            ),
        ),
        {"clusters": 3},
    ),
    Case(
        "one cluster holds most neurons",
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
        {"clusters": 3},
    ),
    Case(
        "the limits are options",
        side_by_side(24, 4, 4),
        (Expected("pass"),),
        {"clusters": 3, "max-largest-share": 0.8},
    ),
    Case(
        "few effective clusters",
        side_by_side(8, 8, 8),
        (Expected("fail"),),
        {"clusters": 3, "max-largest-share": 0.1},
    ),
    Case(
        "too few neurons",
        side_by_side(2, 2),
        (Expected("inconclusive", message="12 connected neurons are too few for 12 clusters"),),
    ),
)
