"""Cases of NUM007."""

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


def rows(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return normal(1, 64).expand(40, 64).clone().to(dtype)


def but_one(weight: torch.Tensor) -> torch.Tensor:
    weight[7, 3] += 1
    return weight


CASES = (
    Case("usual weights", saved(fc__weight=normal(32, 32)), (Expected("pass"),)),
    Case(
        "one value",
        saved(fc__weight=torch.full((32, 32), 0.5)),
        (Expected("fail", "warning", "high", ("tensor", "fc.weight"), {"value": 0.5}),),
    ),
    Case("one value but one", saved(fc__weight=but_one(torch.ones(32, 32))), (Expected("pass"),)),
    Case("zeros are another matter", saved(fc__weight=torch.zeros(32, 32)), (Expected("pass"),)),
    Case(
        "equal rows",
        saved(embed__weight=rows(torch.float16)),
        (Expected("fail", "warning", values={"rows": 40}, message="all of its 40 rows"),),
    ),
    Case("equal rows but one", saved(embed__weight=but_one(rows())), (Expected("pass"),)),
    Case(
        "one row equals itself",
        saved(head__weight=normal(1, 300)),
        (Expected("pass"),),
    ),
    Case(
        "a convolution of one value",
        saved(conv__weight=torch.full((8, 8, 3, 3), 0.1)),
        (Expected("fail", values={"value": 0.1 + 1.4901161138336505e-09}),),
    ),
    Case(
        "a box filter for each channel",
        saved(pool__kernel=torch.full((32, 1, 3, 3), 1 / 9)),
        (Expected("not-applicable"),),
    ),
    Case("a norm's weight", saved(norm__weight=torch.ones(512)), (Expected("not-applicable"),)),
)
