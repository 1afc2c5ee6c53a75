"""Cases of NUM009."""

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


def clipped(share: float) -> torch.Tensor:
    """Normal weights of which a share lies past each bound, at 0.1."""
    flat = normal(64, 64).clamp(-0.09, 0.09).flatten()
    number = round(share * len(flat))
    flat[:number], flat[number : 2 * number] = 0.1, -0.1
    return flat.reshape(64, 64)


CASES = (
    Case("usual weights", saved(fc__weight=normal(64, 64)), (Expected("pass"),)),
    Case(
        "clipped at two ends",
        saved(fc__weight=normal(64, 64).clamp(-0.05, 0.05)),
        (Expected("fail", "note", "medium", ("tensor", "fc.weight"), message="and"),),
    ),
    Case(
        "a fiftieth at each end",
        saved(fc__weight=clipped(0.02)),
        (Expected("fail", values={"share": 82 / 4096}, message="2.0% are -0.1 and 2.0% are 0.1"),),
    ),
    Case("a two-hundredth at each end", saved(fc__weight=clipped(0.005)), (Expected("pass"),)),
    Case(
        "it is too much where it is asked for",
        saved(fc__weight=clipped(0.005)),
        (Expected("fail"),),
        {"min-share": 0.002},
    ),
    Case("cut at 0", saved(fc__weight=normal(64, 64).relu()), (Expected("pass"),)),
    Case("a tanh", saved(fc__weight=torch.tanh(normal(64, 64) * 40)), (Expected("pass"),)),
    Case("signs", saved(fc__weight=normal(64, 64).sign()), (Expected("pass"),)),
    Case(
        "a missing value that stands alone",
        saved(fc__weight=torch.where(normal(300, 300) > 0, normal(300, 300).abs(), -1.0)),
        (Expected("pass"),),
    ),
    Case(
        "many, clipped",
        saved(fc__weight=normal(300, 300).clamp(-0.1, 0.1)),
        (Expected("fail"),),
    ),
    Case(
        "codes of 6 bits",
        saved(fc__weight=(normal(64, 64) * 300).round().clamp(-31, 31)),
        (Expected("pass"),),
    ),
    Case(
        "too small",
        saved(fc__weight=normal(16, 16).clamp(-0.01, 0.01)),
        (Expected("not-applicable"),),
    ),
)
