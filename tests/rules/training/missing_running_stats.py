"""Cases of TRN007."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as
from torch import nn

Write = Callable[[Path], Path]


def blocks() -> dict[str, torch.Tensor]:
    """Three blocks of a convolution and a batch norm, and a layer norm at the end."""
    torch.manual_seed(0)
    made = {"blocks": nn.ModuleList(), "head": nn.LayerNorm(8)}
    for width in (3, 8, 8):
        parts = {"conv": nn.Conv2d(width, 8, 3), "bn": nn.BatchNorm2d(8)}
        made["blocks"].append(nn.ModuleDict(parts))
    return nn.ModuleDict(made).state_dict()


def without(*names: str, state: dict[str, torch.Tensor] | None = None) -> Write:
    kept = {k: v for k, v in (state or blocks()).items() if k not in names}
    return lambda folder: save_as(kept, folder, "safetensors")


def sequential() -> dict[str, torch.Tensor]:
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 8), nn.LayerNorm(8)).state_dict()


BOTH = ("running_mean", "running_var", "num_batches_tracked")

CASES = (
    Case("all of them pass", without(), (Expected("pass", values={"norms": 3, "lacking": 0}),)),
    Case(
        "one lacks both",
        without(*(f"blocks.1.bn.{name}" for name in BOTH)),
        (
            Expected(
                "fail",
                "warning",
                "medium",
                ("layer", "blocks.1.bn"),
                {"missing": "both", "norms": 2},
                "blocks.0.bn",
            ),
        ),
    ),
    Case(
        "one lacks the variance",
        without("blocks.2.bn.running_var"),
        (Expected("fail", target=("layer", "blocks.2.bn"), values={"missing": "variance"}),),
    ),
    Case(
        "in a sequence a convolution stands before it",
        without(*(f"3.{name}" for name in BOTH), state=sequential()),
        (Expected("fail", target=("layer", "3")),),
    ),
    Case(
        "a layer norm in the same sequence is none",
        without(state=sequential()),
        (Expected("pass", values={"norms": 2, "lacking": 0}),),
    ),
    Case(
        "a network without batch norms",
        without(state=nn.LayerNorm(4).state_dict()),
        (Expected("not-applicable"),),
    ),
    Case(
        "a mean of something else is no batch norm",
        without(state={"obs.running_mean": torch.ones(4), "w": torch.ones(4, 4)}),
        (Expected("not-applicable"),),
    ),
)
