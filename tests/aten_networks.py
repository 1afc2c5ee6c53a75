"""Small modules with the edges between their weights, written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from modlint.builder import Built, NetworkBuilder
from modlint.claims import read_source
from modlint.edges import tensor_edges
from modlint.network import Network
from modlint.source import open_source
from modlint_plugins.networks.exported_program import ExportedProgramBuilder
from modlint_plugins.networks.torchscript import TorchScriptBuilder
from modlint_plugins.readers import modlint_readers

Columns = set[tuple[int, int]]
Edges = dict[tuple[str, str], Columns]


def each(size: int, first: int = 0, channel: int = 0) -> Columns:
    """Channel k in column k, or from other first ones on."""
    return {(channel + i, first + i) for i in range(size)}


def flat(channels: int, positions: int) -> Columns:
    """The columns of a flattened image."""
    return {(c, c * positions + p) for c in range(channels) for p in range(positions)}


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner, self.outer = nn.Linear(4, 6), nn.Linear(6, 9), nn.Linear(9, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        made: Tensor = self.head(h + self.outer(functional.gelu(self.inner(h))))
        return made


class Shuffled(nn.Module):
    """Grouped convolutions, between them the channels of two groups change places."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 6, 1, groups=2), nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.a(x))
        n, c, height, width = h.shape
        h = h.view(n, 2, c // 2, height, width).transpose(1, 2).reshape(n, c, height, width)
        made: Tensor = self.b(h)
        return made


class Forked(nn.Module):
    """Two branches side by side, and a skip as in a U-Net."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(5, 2, 2, stride=2), nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = functional.relu(self.down(x))
        deep = functional.relu(self.deep(functional.max_pool2d(skip, 2)))
        made: Tensor = self.out(torch.cat([self.up(deep), skip], 1))
        return made


class Excited(nn.Module):
    """Channels gated by a function of their means."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.less = nn.Conv2d(3, 8, 3), nn.Linear(8, 2)
        self.more, self.out = nn.Linear(2, 8), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.conv(x))
        gate = torch.sigmoid(self.more(functional.relu(self.less(h.mean([2, 3])))))
        made: Tensor = self.out(h * gate[:, :, None, None])
        return made


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.both, self.out = nn.Linear(4, 10), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.both(x).chunk(2, -1)
        made: Tensor = self.out(functional.silu(a) * b)
        return made


class Turned(nn.Module):
    """The last features first, and only some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 6), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.b(self.a(x).flip(-1)[:, ::2])
        return made


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Embedding(11, 8), nn.LayerNorm(8)
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).view(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        made: Tensor = self.head(x + self.out(mixed.transpose(1, 2).reshape(n, t, 8)))
        return made


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.rnn = kind(3, 4, batch_first=True, bidirectional=True)
        self.out = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.out(self.rnn(x)[0].mean(1))
        return made


class Mixed(nn.Module):
    """Weights used as einsum and bare products use them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.randn(2, 3, 5)), nn.Parameter(torch.randn(7, 6))
        self.c = nn.Parameter(torch.randn(7, 3))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.einsum("bi,hdi->bhd", x, self.a).flatten(1)
        return functional.relu(functional.linear(h, self.b)) @ self.c


@dataclass(frozen=True)
class Case:
    """A module, an input for it, and its edges.

    Attributes:
        scripted: whether torch.jit.script takes the module.
    """

    module: Callable[[], nn.Module]
    inputs: tuple[Any, ...]
    edges: Edges
    scripted: bool = True


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2))


def _convolutional() -> nn.Module:
    layers = (nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(18, 3))
    return nn.Sequential(*layers)


def _upscaling() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.PixelShuffle(2), nn.Conv2d(2, 3, 1))


def _normed() -> nn.Module:
    wrapped = nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))
    return nn.Sequential(wrapped, nn.GroupNorm(2, 4), nn.Tanh(), nn.Linear(4, 2))


_SHUFFLE = {(3 * (j % 2) + j // 2, j) for j in range(6)}
_ROW = torch.randn(2, 3)
CASES: dict[str, Case] = {
    "mlp": Case(_mlp, (_ROW,), {("0.weight", "3.weight"): each(4)}),
    "convolutional": Case(
        _convolutional, (torch.randn(2, 1, 8, 8),), {("0.weight", "4.weight"): flat(2, 9)}
    ),
    "upscaling": Case(
        _upscaling,
        (torch.randn(2, 1, 6, 6),),
        {("0.weight", "2.weight"): {(c, c // 4) for c in range(8)}},
    ),
    "normed": Case(
        _normed,
        (_ROW,),
        {("0.parametrizations.weight.original1", "3.weight"): each(4)},
        scripted=False,
    ),
    "residual": Case(
        Residual,
        (torch.randn(2, 4),),
        {
            ("stem.weight", "inner.weight"): each(6),
            ("inner.weight", "outer.weight"): each(9),
            ("stem.weight", "head.weight"): each(6),
            ("outer.weight", "head.weight"): each(6),
        },
    ),
    "shuffled": Case(Shuffled, (torch.randn(2, 4, 5, 5),), {("a.weight", "b.weight"): _SHUFFLE}),
    "forked": Case(
        Forked,
        (torch.randn(2, 3, 8, 8),),
        {
            ("down.weight", "deep.weight"): each(4),
            ("deep.weight", "up.weight"): each(5),
            ("up.weight", "out.weight"): each(2),
            ("down.weight", "out.weight"): each(4, first=2),
        },
    ),
    "excited": Case(
        Excited,
        (torch.randn(2, 3, 6, 6),),
        {
            ("conv.weight", "less.weight"): each(8),
            ("less.weight", "more.weight"): each(2),
            ("conv.weight", "out.weight"): each(8),
            ("more.weight", "out.weight"): each(8),
        },
    ),
    "gated": Case(
        Gated,
        (torch.randn(2, 4),),
        {("both.weight", "out.weight"): each(5) | each(5, channel=5)},
    ),
    "turned": Case(
        Turned, (torch.randn(2, 4),), {("a.weight", "b.weight"): {(5, 0), (3, 1), (1, 2)}}
    ),
    "attending": Case(
        Attending,
        (torch.randint(0, 11, (2, 5)),),
        {
            ("embed.weight", "qkv.weight"): each(8),
            ("qkv.weight", "out.weight"): each(8, channel=16),
            ("embed.weight", "embed.weight"): each(8),
            ("out.weight", "embed.weight"): each(8),
        },
    ),
    **{
        kind.__name__: Case(
            partial(Recurrent, kind),
            (torch.randn(2, 5, 3),),
            {
                edge: columns
                for suffix, first in (("", 0), ("_reverse", 4))
                for edge, columns in (
                    ((f"rnn.weight_ih_l0{suffix}", f"rnn.weight_hh_l0{suffix}"), each(4)),
                    ((f"rnn.weight_hh_l0{suffix}", f"rnn.weight_hh_l0{suffix}"), each(4)),
                    ((f"rnn.weight_ih_l0{suffix}", "out.weight"), each(4, first)),
                    ((f"rnn.weight_hh_l0{suffix}", "out.weight"), each(4, first)),
                )
            },
        )
        for kind in (nn.LSTM, nn.GRU, nn.RNN)
    },
    "mixed": Case(Mixed, (torch.randn(2, 5),), {("a", "b"): each(6), ("b", "c"): each(7)}),
}


def built(path: Path) -> Built:
    """What the file's own graph gives, read by the readers that claim it."""
    (checkpoint,) = read_source(open_source(path), modlint_readers())
    assert not checkpoint.faults
    builders: list[NetworkBuilder] = [ExportedProgramBuilder(), TorchScriptBuilder()]
    found = [b for b in (builder.build(checkpoint) for builder in builders) if b is not None]
    (result,) = found
    return result


def edges_of(networks: Iterable[Network]) -> Edges:
    """The edges between weights; what inputs of the network feed is left out."""
    return {
        (edge.producer, edge.consumer): {(a, b) for a, b in edge.pairs.T.tolist()}
        for network in networks
        for edge in tensor_edges(network)
        if edge.producer is not None
    }


def kernels(network: Network, state: dict[str, Tensor], call_name: str) -> Tensor:
    """A call's kernels as its layout finds them: (groups, rows, columns, positions)."""
    (call,) = (call for call in network.calls if call.name == call_name)
    layout = call.layout
    assert layout is not None
    stored = state[call.weight].contiguous()
    return torch.as_strided(stored, layout.shape, layout.strides, layout.offset)
