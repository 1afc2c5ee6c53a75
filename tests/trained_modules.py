"""Modules in every layout that a weight can have, for the tests of modlint-train."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 14), nn.ReLU(), nn.Linear(14, 5)
    )


def cnn() -> nn.Module:
    """Batch norm with an epsilon of its own, convolutions in groups, a flatten, a bare head."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8, eps=1e-2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, groups=8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 4, 12, bias=False),
        nn.BatchNorm1d(12),
        nn.ReLU(),
        nn.Linear(12, 10),
    )


def late_norm() -> nn.Module:
    """Norms behind the activation: they scale the out-edges, of a flattened channel all columns."""
    return nn.Sequential(
        nn.Conv2d(2, 6, 3),
        nn.ReLU(),
        nn.BatchNorm2d(6),
        nn.Flatten(),
        nn.Linear(6 * 9, 12),
        nn.ReLU(),
        nn.BatchNorm1d(12),
        nn.Linear(12, 7),
    )


def decoder() -> nn.Module:
    """Transposed convolutions."""
    return nn.Sequential(
        nn.ConvTranspose2d(12, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 3, 3, bias=False)
    )


def isolated() -> nn.Module:
    """An MLP with a unit that nothing connects."""
    module = mlp()
    with torch.no_grad():
        module[0].weight[3] = 0
        module[2].weight[:, 3] = 0
    return module


ALL: dict[str, Callable[[], nn.Module]] = {
    f.__name__: f for f in (mlp, cnn, late_norm, decoder, isolated)
}


def make(name: str, seed: int = 0) -> nn.Module:
    """One of them in float64, its norms' parameters and statistics drawn as well."""
    torch.manual_seed(seed)
    module = ALL[name]().double().eval()
    for tensor in module.state_dict().values():
        if tensor.ndim == 1:
            nn.init.uniform_(tensor, 0.5, 1.5)
    return module


def images(name: str, count: int = 4) -> torch.Tensor:
    """Inputs for it."""
    shape = {"cnn": (3, 8, 8), "late_norm": (2, 5, 5), "decoder": (12, 4, 4)}.get(name, (20,))
    return torch.randn(count, *shape, dtype=torch.float64)
