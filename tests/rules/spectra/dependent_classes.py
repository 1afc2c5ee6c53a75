"""Cases of SPC005."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from planted import exported, torch_file
from rule_cases import Case, Expected
from torch import nn

Write = Callable[[Path], Path]
Change = Callable[[torch.Tensor], None]


def network(classes: int, change: Change | None = None, width: int = 32) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Linear(width, classes))
    if change is not None:
        with torch.no_grad():
            change(model[2].weight)
    return model


def graph(classes: int, change: Change | None = None, width: int = 32) -> Write:
    return exported(network(classes, change, width), torch.zeros(1, 20), dynamo=False)


def named(classes: int, change: Change | None = None) -> Write:
    return torch_file(network(classes, change).state_dict())


def combined(weight: torch.Tensor) -> None:
    weight[7] = 0.5 * (weight[1] + weight[2])


def copied(weight: torch.Tensor) -> None:
    weight[3:6] = weight[2]


def flat(weight: torch.Tensor) -> None:
    weight[:] = weight[0].clone()


def centred(weight: torch.Tensor) -> None:
    weight -= weight.mean(0)


CASES = (
    Case("a head as initialised passes", graph(10), (Expected("pass", values={"rank": 9}),)),
    Case(
        "a class between two others",
        graph(10, combined),
        (Expected("fail", "warning", values={"rank": 8, "classes": 10, "missing": 1}),),
    ),
    Case("copied classes", graph(10, copied), (Expected("fail", "warning", values={"rank": 6}),)),
    Case("all rows equal", graph(10, flat), (Expected("fail", "warning", values={"rank": 0}),)),
    Case("rows that sum to zero pass", graph(10, centred), (Expected("pass"),)),
    Case("of a network by names", named(10, combined), (Expected("fail", None, "medium"),)),
    Case("two outputs", graph(2), (Expected("not-applicable", message="output layer"),)),
    Case(
        "more classes than inputs",
        graph(64, combined),
        (Expected("not-applicable", message="output layer"),),
    ),
    Case(
        "a head that is zero",
        graph(10, nn.init.zeros_),
        (Expected("inconclusive", message="zero"),),
    ),
    Case(
        "too few to judge",
        graph(5),
        (Expected("not-applicable"),),
        {"min-classes": 6},
    ),
    Case(
        "no network",
        torch_file({"a": torch.randn(4)}),
        (Expected("not-applicable"),),
    ),
)
