"""Cases of NUM003."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected


def saved(**state: torch.Tensor) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        named = {name.replace("__", "."): tensor for name, tensor in state.items()}
        torch.save(named, folder / "model.pt")
        return folder / "model.pt"

    return write


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.05


def cast(dtype: torch.dtype, layers: int = 4) -> dict[str, torch.Tensor]:
    """Four layers, the first of which were cast to a type and back."""
    weights = [normal(64, 64, seed=seed) for seed in range(4)]
    weights[:layers] = [weight.to(dtype).float() for weight in weights[:layers]]
    return {f"layers__{number}__weight": weight for number, weight in enumerate(weights)}


CASES = (
    Case(
        "trained in float32",
        saved(**cast(torch.float32)),
        (Expected("pass", values={"weights": 4}),),
    ),
    Case(
        "once bfloat16",
        saved(**cast(torch.bfloat16)),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("file", "model.pt"),
                {"share": 1.0, "type": "bfloat16", "nbytes": 4 * 64 * 64 * 2},
                "32.8 kB more",
            ),
        ),
    ),
    Case(
        "once float16",
        saved(**cast(torch.float16)),
        (Expected("fail", "note", values={"share": 1.0, "type": "float16"}),),
    ),
    Case("a quarter once bfloat16", saved(**cast(torch.bfloat16, 1)), (Expected("pass"),)),
    Case(
        "a quarter is too much where it is asked for",
        saved(**cast(torch.bfloat16, 1)),
        (Expected("fail", values={"type": "bfloat16"}),),
        {"min-share": 0.2},
    ),
    Case(
        "whole numbers were never cast",
        saved(fc__weight=(normal(64, 64) * 400).round()),
        (Expected("pass"),),
    ),
    Case(
        "zeros say nothing",
        saved(fc__weight=normal(64, 64) * (normal(64, 64, seed=1) > 0.08)),
        (Expected("pass"),),
    ),
    Case(
        "beyond float16, rounded to 13 bits less",
        saved(fc__weight=normal(64, 64).half().float() * 2.0**-30),
        (Expected("pass"),),
    ),
    Case(
        "bfloat16 takes no more than it needs",
        saved(fc__weight=normal(64, 64).bfloat16()),
        (Expected("not-applicable", message="no float32 layer weight"),),
    ),
    Case(
        "nothing but NaN",
        saved(fc__weight=torch.full((64, 64), torch.nan)),
        (Expected("inconclusive"),),
    ),
)
