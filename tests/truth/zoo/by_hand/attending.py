"""Attention written by hand and torch's own transformer modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from truth.zoo.architecture import Architecture, images, tokens
from truth.zoo.parts import Flow, Residual, dense


def _encoder(m: Any, x: Tensor) -> Tensor:
    places = torch.arange(x.shape[1])
    return m.head(m.layers(m.words(x) + m.places(places))[:, 0])


def _translate(m: Any, source: Tensor, target: Tensor) -> Tensor:
    return m.out(m.transformer(m.source(source), m.target(target)))


class EinsumAttention(nn.Module):
    """Heads as an axis of the parameters, contracted by einsum."""

    def __init__(self, width: int = 8, heads: int = 2, size: int = 3) -> None:
        super().__init__()
        self.inp = nn.Linear(5, width)
        self.q = nn.Parameter(torch.randn(width, heads, size))
        self.k = nn.Parameter(torch.randn(width, heads, size))
        self.v = nn.Parameter(torch.randn(width, heads, size))
        self.o = nn.Parameter(torch.randn(heads, size, width))
        self.out = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Batch × time × 5."""
        x = self.inp(x)
        q, k, v = (torch.einsum("btd,dhk->bthk", x, w) for w in (self.q, self.k, self.v))
        share = torch.softmax(torch.einsum("bthk,bshk->bhts", q, k), -1)
        mixed = torch.einsum("bhts,bshk->bthk", share, v)
        return self.out(x + torch.einsum("bthk,hkd->btd", mixed, self.o))


class Mixer(nn.Module):
    """One MLP over places, one over channels."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.places, self.channels = (
            dense(places, 7, places),
            Residual(nn.LayerNorm(width), dense(width, 9, width, act=nn.GELU)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Batch × places × width."""
        x = x + self.places(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return self.channels(x)


class GroupedQueries(nn.Module):
    """Attention whose keys and values serve several heads each."""

    def __init__(self, width: int = 12, heads: int = 4, shared: int = 2, size: int = 3) -> None:
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, size
        self.inp = nn.Linear(5, width)
        self.qkv = nn.Linear(width, (heads + 2 * shared) * size)
        self.o, self.out = nn.Linear(heads * size, width), nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Batch × time × 5."""
        x, n = self.inp(x), x.shape[1]
        sizes = [self.heads * self.size, self.shared * self.size, self.shared * self.size]
        q, k, v = (
            p.reshape(-1, n, p.shape[-1] // self.size, self.size).transpose(1, 2)
            for p in self.qkv(x).split(sizes, -1)
        )
        k, v = (p.repeat_interleave(self.heads // self.shared, 1) for p in (k, v))
        mixed = (
            functional.scaled_dot_product_attention(q, k, v)
            .transpose(1, 2)
            .reshape(-1, n, sizes[0])
        )
        return self.out(x + self.o(mixed))


def _layer() -> nn.Module:
    return nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, activation="gelu"),
        2,
        enable_nested_tensor=False,
    )


ARCHITECTURES = (
    Architecture(
        "transformer_encoder",
        lambda: Flow(
            _encoder,
            words=nn.Embedding(13, 8),
            places=nn.Embedding(6, 8),
            layers=_layer(),
            head=nn.Linear(8, 3),
        ),
        tokens(13, 2, 4),
    ),
    Architecture(
        "transformer",
        lambda: Flow(
            _translate,
            source=nn.Embedding(13, 8),
            target=nn.Embedding(11, 8),
            transformer=nn.Transformer(8, 2, 1, 1, 12, batch_first=True),
            out=nn.Linear(8, 11),
        ),
        lambda: (torch.randint(0, 13, (2, 4)), torch.randint(0, 11, (2, 3))),
    ),
    Architecture("einsum_attention", EinsumAttention, images(2, 4, 5)),
    Architecture("grouped_queries", GroupedQueries, images(2, 4, 5)),
    Architecture(
        "mlp_mixer",
        lambda: nn.Sequential(nn.Linear(4, 6), Mixer(5, 6), Mixer(5, 6), nn.Linear(6, 3)),
        images(2, 5, 4),
    ),
)
