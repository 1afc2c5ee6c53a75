"""What the modules of the zoo are put together from."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from torch import Tensor, nn


class Flow(nn.Module):
    """Named parts and a function that says how they are called: `forward(parts, *inputs)`."""

    def __init__(self, forward: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self._flow = forward

    def forward(self, *inputs: Tensor) -> Any:
        """The function's result."""
        return self._flow(self, *inputs)


class Residual(nn.Module):
    """x + body(x)."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        return x + self.body(x)


def conv(a: int, b: int, k: int = 3, act: nn.Module | None = None, **more: Any) -> nn.Sequential:
    """Convolution (same size), batch norm, activation."""
    more.setdefault("padding", k // 2)
    return nn.Sequential(
        nn.Conv2d(a, b, k, bias=False, **more), nn.BatchNorm2d(b), act or nn.ReLU()
    )


def dense(*sizes: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers with activations between."""
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1])
