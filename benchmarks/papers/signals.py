"""Noisy sinusoids to tell apart, and a plain training loop."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LENGTH = 64
PERIODS = (3.0, 3.6, 4.4, 5.4, 6.6, 8.2, 10.4, 13.6, 18.0, 25.0)
"""By class, in samples."""


def sinusoids(
    number: int, seed: int, periods: Sequence[float] = PERIODS, noise: float = 0.7
) -> tuple[Tensor, Tensor]:
    """Signals (number, LENGTH) of random phases in noise, and their classes (number,)."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, len(periods), (number,), generator=generator)
    phases = 2 * math.pi * torch.rand(number, 1, generator=generator)
    turns = 2 * math.pi * torch.arange(LENGTH) / torch.tensor(periods)[classes, None]
    signals = math.sqrt(2) * torch.sin(turns + phases)
    return signals + noise * torch.randn(signals.shape, generator=generator), classes


def train(
    model: nn.Module,
    data: tuple[Tensor, Tensor],
    steps: int,
    rate: float = 3e-3,
    decay: float = 0.0,
) -> nn.Module:
    """Adam with decoupled decay on batches of 128, cross-entropy."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    signals, classes = data
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        batch = torch.randint(0, len(signals), (128,), generator=generator)
        loss = functional.cross_entropy(model(signals[batch]), classes[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


@torch.no_grad()
def accuracy(model: nn.Module, data: tuple[Tensor, Tensor]) -> float:
    """Share of right answers."""
    signals, classes = data
    return float((model(signals).argmax(1) == classes).float().mean())
