"""Cases of SPC004."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from planted import exported, torch_file
from rule_cases import Case, Expected
from torch import nn

Write = Callable[[Path], Path]


def graph(module: nn.Module, *shape: int) -> Write:
    return exported(module.eval(), torch.zeros(1, *shape), dynamo=False)


def diagonal(*sizes: float) -> nn.Sequential:
    """Layers that stretch by exactly so much."""
    layers: list[nn.Module] = []
    for size in sizes:
        layer = nn.Linear(8, 8)
        with torch.no_grad():
            layer.weight.copy_(size * torch.eye(8))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = diagonal(2.0, 3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class Sorted(nn.Module):
    """A layer that reads the sorted channels of another."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.out(self.into(x).sort(1).values)
        return out


class Squared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = self.a(x) * self.b(x)
        return product


CASES = (
    Case(
        "a product of norms",
        graph(diagonal(2.0, 3.0), 8),
        (Expected("pass", "information", message="at most 6 times"),),
    ),
    Case("a bound that may not be passed", graph(diagonal(2.0, 3.0), 8),
         (Expected("fail", "information"),), {"max-bound": 5}),
    Case("one that is kept", graph(diagonal(2.0, 3.0), 8), (Expected("pass"),), {"max-bound": 7}),
    Case("a branch is added", graph(Residual(), 8), (Expected("pass", message="at most 7 times"),)),
    Case(
        "a convolution and its norm",
        graph(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()), 3, 9, 9),
        (Expected("pass"),),
    ),
    Case(
        "channels that are multiplied",
        graph(Squared(), 8),
        (Expected("not-applicable", message="multiplied"),),
    ),
    Case(
        "a norm of the data",
        graph(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 4)), 8),
        (Expected("not-applicable", message="divides by"),),
    ),
    Case(
        "activations that names do not tell",
        torch_file(diagonal(2.0, 3.0).state_dict()),
        (Expected("pass", message="if its unknown functions stretch nothing"),),
    ),
    Case(
        "what is computed of all channels",
        graph(Sorted(), 8),
        (Expected("pass", message="if its unknown functions stretch nothing"),),
    ),
    Case("no network", torch_file({"a": torch.randn(4)}), (Expected("not-applicable"),)),
)  # fmt: skip
