"""Cases of FMT009."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected


def saved(**tensors: torch.Tensor) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        named = {name.replace("_", "."): tensor for name, tensor in tensors.items()}
        torch.save(named, folder / "model.pt")
        return folder / "model.pt"

    return write


CASES = (
    Case("parameters with elements pass", saved(fc_weight=torch.ones(2, 2)), (Expected("pass"),)),
    Case("an empty buffer passes", saved(strides=torch.empty(0)), (Expected("pass"),)),
    Case(
        "a parameter that ZeRO-3 left out",
        saved(fc_weight=torch.empty(0), fc_bias=torch.ones(2)),
        (Expected("fail", "error", "high", ("tensor", "fc.weight"), {"shape": [0]}),),
    ),
)
