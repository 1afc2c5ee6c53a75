"""Fully connected networks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from truth.zoo.architecture import Architecture, images
from truth.zoo.parts import Flow, Residual, dense


def _gated(m: Any, x: Tensor) -> Tensor:
    return m.down(functional.silu(m.gate(x)) * m.up(x))


def _highway(m: Any, x: Tensor) -> Tensor:
    h = m.inp(x)
    gate = torch.sigmoid(m.gate(h))
    return m.out(gate * functional.relu(m.body(h)) + (1 - gate) * h)


def _maxout(m: Any, x: Tensor) -> Tensor:
    return m.out(m.inp(x).reshape(x.shape[0], 6, 2).amax(-1))


def _glu(m: Any, x: Tensor) -> Tensor:
    return m.out(functional.glu(m.inp(x), -1))


class TiedAutoencoder(nn.Module):
    """The decoder uses the encoder's matrix transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(12, 5)
        self.bias = nn.Parameter(torch.zeros(12))

    def forward(self, x: Tensor) -> Tensor:
        """Encode, decode."""
        return functional.linear(
            functional.relu(self.encoder(x)), self.encoder.weight.t(), self.bias
        )


def _of(name: str, build: Any, width: int) -> Architecture:
    return Architecture(name, build, images(4, width))


ARCHITECTURES = (
    _of("mlp", lambda: dense(7, 12, 9, 5), 7),
    _of("mlp_square", lambda: dense(8, 8, 8, 8, 8), 8),
    _of("mlp_tanh", lambda: dense(6, 10, 3, act=nn.Tanh), 6),
    _of("mlp_prelu", lambda: nn.Sequential(nn.Linear(6, 9), nn.PReLU(9), nn.Linear(9, 4)), 6),
    _of(
        "mlp_batch_norm",
        lambda: nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 4)),
        6,
    ),
    _of(
        "residual_mlp_norm",
        lambda: nn.Sequential(
            nn.Linear(6, 10),
            *(Residual(nn.LayerNorm(10), dense(10, 10, 10)) for _ in range(3)),
            nn.Linear(10, 4),
        ),
        6,
    ),
    _of(
        "swiglu",
        lambda: nn.Sequential(
            nn.Linear(5, 8),
            Flow(_gated, gate=nn.Linear(8, 12), up=nn.Linear(8, 12), down=nn.Linear(12, 8)),
            nn.Linear(8, 3),
        ),
        5,
    ),
    _of(
        "highway",
        lambda: Flow(
            _highway,
            inp=nn.Linear(5, 8),
            gate=nn.Linear(8, 8),
            body=nn.Linear(8, 8),
            out=nn.Linear(8, 3),
        ),
        5,
    ),
    _of("maxout", lambda: Flow(_maxout, inp=nn.Linear(5, 12), out=nn.Linear(6, 3)), 5),
    _of("glu", lambda: Flow(_glu, inp=nn.Linear(5, 12), out=nn.Linear(6, 3)), 5),
    _of("autoencoder", lambda: nn.Sequential(dense(12, 7, 3), nn.ReLU(), dense(3, 7, 12)), 12),
    _of("tied_autoencoder", TiedAutoencoder, 12),
)
