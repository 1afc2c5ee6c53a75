"""Cases of NUM010."""

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


def layers(*factors: float, name: str = "blocks.{}.fc.weight") -> Callable[[Path], Path]:
    weights = [normal(40, 40, seed=seed) * factor for seed, factor in enumerate(factors)]
    return saved(**{name.format(n).replace(".", "__"): w for n, w in enumerate(weights)})


CASES = (
    Case(
        "layers alike",
        layers(1, 1.2, 0.8, 1, 2),
        (Expected("pass", values={"weights": 5}, message="of 1 role"),),
    ),
    Case(
        "one ten times as large",
        layers(1, 1, 10, 1),
        (Expected("fail", "note", "medium", ("tensor", "blocks.2.fc.weight"), {"siblings": 3}),),
    ),
    Case(
        "one a tenth as large",
        layers(1, 1, 1, 1, 0.1),
        (Expected("fail", target=("tensor", "blocks.4.fc.weight"), message="times smaller"),),
    ),
    Case(
        "twice is too much where it is asked for",
        layers(1, 1, 2.5, 1),
        (Expected("fail"),),
        {"max-ratio": 2.0},
    ),
    Case("two are a kind of their own", layers(1, 1, 10, 10, 1, 1, 1), (Expected("pass"),)),
    Case("a broad distribution", layers(1, 1.5, 1, 1, 1, 2, 4, 6), (Expected("pass"),)),
    Case(
        "modules that are numbered over the whole network",
        layers(1, 1, 10, 1, name="conv2d_{}.w"),
        (Expected("not-applicable"),),
    ),
    Case(
        "two modules of each block",
        layers(1, 1, 10, 1, name="blocks.0.fc{}.weight"),
        (Expected("not-applicable"),),
    ),
    Case("three siblings", layers(1, 1, 10), (Expected("not-applicable"),)),
    Case(
        "three are enough where it is asked for",
        layers(1, 1, 10),
        (Expected("fail"),),
        {"min-siblings": 3},
    ),
    Case("zeros are another finding", layers(1, 1, 0, 1, 1), (Expected("pass"),)),
    Case(
        "factors of low rank start from zero",
        layers(1, 1, 10, 1, name="blocks.{}.q.lora_B.weight"),
        (Expected("not-applicable"),),
    ),
    Case(
        "nothing but NaN",
        layers(1, 1, float("nan"), 1),
        (Expected("inconclusive", message="none of its elements is finite"),),
    ),
)
