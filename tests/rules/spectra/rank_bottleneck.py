"""Cases of SPC002."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import torch
from planted import exported, torch_file
from rule_cases import Case, Expected
from torch import nn

Write = Callable[[Path], Path]


def graph(module: nn.Module, *shape: int) -> Write:
    return exported(module.eval(), torch.zeros(1, *(shape or (20,))), dynamo=False)


def mlp(*sizes: int, bent: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after)] + [nn.ReLU()] * bent
    return nn.Sequential(*(layers[:-1] if bent else layers))


def collapsed(model: nn.Sequential, layer: int, rank: int) -> nn.Sequential:
    with torch.no_grad():
        weight = model[layer].weight
        left, right = torch.randn(weight.shape[0], rank), torch.randn(rank, weight.shape[1])
        weight.copy_(left @ right)
    return model


def convolutions() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 8))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(20, 20), nn.Linear(20, 10)
        self.branch = collapsed(mlp(20, 20, 20), 0, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        result: torch.Tensor = self.head(torch.relu(x + self.branch(x)))
        return result


CASES = (
    Case("as initialised", graph(mlp(20, 32, 10)), (Expected("pass", values={"rank": 10}),)),
    Case(
        "a layer of rank four",
        graph(collapsed(mlp(20, 32, 10), 0, 4)),
        (Expected("fail", "warning", values={"rank": 4, "possible": 20, "width": 10}),),
    ),
    Case("a rank that suffices", graph(collapsed(mlp(20, 32, 10), 0, 9)), (Expected("pass"),)),
    Case("narrow by design", graph(mlp(20, 4, 10)), (Expected("pass", values={"rank": 4}),)),
    Case("a way around it", graph(Residual()), (Expected("pass"),)),
    Case(
        "nothing between two layers",
        graph(mlp(20, 32, 10, bent=False)),
        (Expected("fail", "warning", values={"inner": 32}, message="no activation"),),
    ),
    Case(
        "a fixed norm bends nothing",
        graph(nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.Linear(32, 10))),
        (Expected("fail", message="no activation"),),
    ),
    Case(
        "a norm of the data does",
        graph(nn.Sequential(nn.Linear(20, 32), nn.LayerNorm(32), nn.Linear(32, 10))),
        (Expected("pass"),),
    ),
    Case("a factorisation", graph(mlp(20, 4, 16, bent=False)), (Expected("pass"),)),
    Case(
        "a convolution",
        graph(convolutions(), 3, 6, 6),
        (Expected("pass"),),
    ),
    Case("by names", torch_file(collapsed(mlp(20, 32, 10), 0, 4).state_dict()),
         (Expected("fail", values={"rank": 4}),)),
    Case("by names nothing is said of what lies between",
         torch_file(mlp(20, 32, 10, bent=False).state_dict()), (Expected("pass"),)),
    Case(
        "a width of its own",
        graph(mlp(20, 32, 10)),
        (Expected("not-applicable"),),
        {"min-width": 11},
    ),
    Case("no network", torch_file({"a": torch.randn(4)}), (Expected("not-applicable"),)),
)  # fmt: skip
