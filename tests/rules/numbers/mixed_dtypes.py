"""Cases of NUM011."""

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


def layers(*types: torch.dtype, **others: torch.Tensor) -> Callable[[Path], Path]:
    weights = {f"layers__{n}__q__weight": normal(32, 32).to(t) for n, t in enumerate(types)}
    return saved(**weights, **others)


SINGLE, HALF, BRAIN = torch.float32, torch.float16, torch.bfloat16

CASES = (
    Case("one type", layers(BRAIN, BRAIN, BRAIN), (Expected("pass", values={"roles": 1}),)),
    Case(
        "one layer in float32",
        layers(BRAIN, SINGLE, BRAIN),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("tensor", "layers.1.q.weight"),
                {"weights": 3, "rare": 1},
                "(2 in bfloat16, 1 in float32)",
            ),
        ),
    ),
    Case("three types", layers(HALF, HALF, SINGLE, BRAIN), (Expected("fail", values={"rare": 2}),)),
    Case(
        "norms, heads and biases in float32",
        layers(
            HALF,
            HALF,
            layers__0__norm__weight=torch.ones(512),
            lm_head__weight=normal(64, 32),
            layers__0__q__bias=torch.ones(32),
            layers__1__q__bias=torch.ones(32).half(),
        ),
        (Expected("pass", values={"roles": 1}),),
    ),
    Case(
        "layers that were not cast to 8 bits",
        layers(BRAIN, torch.float8_e4m3fn, BRAIN),
        (Expected("pass"),),
    ),
    Case("no two of a role", layers(SINGLE), (Expected("not-applicable"),)),
)
