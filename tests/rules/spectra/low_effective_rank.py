"""Cases of SPC003."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]


def spiked(rows: int, columns: int, size: float, directions: int = 1) -> torch.Tensor:
    """Noise, and a few directions that are so many times as large as its largest."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(rows, columns, generator=generator)
    left, _ = torch.linalg.qr(torch.randn(rows, directions, generator=generator))
    right, _ = torch.linalg.qr(torch.randn(columns, directions, generator=generator))
    return noise + size * (rows**0.5 + columns**0.5) * left @ right.T


def saved(weight: torch.Tensor, name: str = "fc.weight") -> Write:
    return lambda folder: save_as({name: weight}, folder, "pt")


CASES = (
    Case("a drawn weight passes", saved(spiked(128, 64, 0)), (Expected("pass"),)),
    Case(
        "one direction holds nearly all",
        saved(spiked(128, 64, 300)),
        (Expected("fail", "note", "medium", ("tensor", "fc.weight"), {"full": 64}),),
    ),
    Case("three directions", saved(spiked(128, 64, 500, 3)), (Expected("fail", "note"),)),
    Case("a large direction among others", saved(spiked(128, 64, 5)), (Expected("pass"),)),
    Case("too narrow to judge", saved(spiked(256, 12, 300)), (Expected("pass"),)),
    Case(
        "a width of its own",
        saved(spiked(256, 12, 300)),
        (Expected("fail"),),
        {"min-width": 8, "min-share": 0.2},
    ),
    Case(
        "a limit of its own", saved(spiked(128, 64, 300)), (Expected("pass"),), {"min-share": 0.01}
    ),
    Case(
        "a bias is no layer weight",
        saved(torch.ones(4096), "fc.bias"),
        (Expected("not-applicable", message="no layer weight"),),
    ),
)
