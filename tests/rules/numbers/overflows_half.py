"""Cases of NUM002."""

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


def with_value(value: float) -> torch.Tensor:
    weight = normal(32, 32)
    weight[3, 4] = value
    return weight


def with_tiny(share: float, size: int = 64) -> torch.Tensor:
    weight = normal(size, size)
    weight.view(-1)[: round(share * weight.numel())] = 3e-8
    return weight


SUBNORMAL = Expected("fail", "note", "high", ("tensor", "fc.weight"), {"share": 0.5, "tiny": 2048})

CASES = (
    Case("usual weights", saved(fc__weight=normal(64, 64)), (Expected("pass"),)),
    Case(
        "an element that float16 does not hold",
        saved(fc__weight=with_value(-70_000.0)),
        (Expected("fail", "note", values={"largest": 70_000.0}, message="float16 ends at 65,504"),),
    ),
    Case(
        "for float16 it is a warning",
        saved(fc__weight=with_value(1e6).bfloat16()),
        (Expected("fail", "warning"),),
        {"target": "float16"},
    ),
    Case(
        "the largest number of float16", saved(fc__weight=with_value(65_504.0)), (Expected("pass"),)
    ),
    Case(
        "a running variance",
        saved(bn__running_var=torch.tensor([1.0, 1e5])),
        (Expected("fail", target=("tensor", "bn.running_var")),),
    ),
    Case("half of the elements too small", saved(fc__weight=with_tiny(0.5)), (SUBNORMAL,)),
    Case("a twentieth too small", saved(fc__weight=with_tiny(0.05)), (Expected("pass"),)),
    Case(
        "fewer are allowed",
        saved(fc__weight=with_tiny(0.05)),
        (Expected("fail"),),
        {"max-tiny": 0.01},
    ),
    Case("too few elements to say", saved(fc__weight=with_tiny(0.5, 24)), (Expected("pass"),)),
    Case(
        "a small tensor is judged where it is asked for",
        saved(fc__weight=with_tiny(0.5, 24)),
        (Expected("fail"),),
        {"min-elements": 100},
    ),
    Case(
        "an additive mask by its name",
        saved(attn__masked_bias=torch.tensor([-1e9, -1e9])),
        (Expected("not-applicable"),),
    ),
    Case(
        "an additive mask by its numbers",
        saved(attn__causal=torch.full((4, 4), -3e38).triu(1)),
        (Expected("pass"),),
    ),
    Case(
        "float16 holds what it holds",
        saved(fc__weight=normal(64, 64).half()),
        (Expected("not-applicable", message="no tensor wider than float16"),),
    ),
    Case(
        "nothing but NaN",
        saved(fc__weight=torch.full((64, 64), torch.nan)),
        (Expected("inconclusive"),),
    ),
)
