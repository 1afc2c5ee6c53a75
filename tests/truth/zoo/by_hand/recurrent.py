"""Recurrent networks and state space models."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from truth.zoo.architecture import Architecture, images, tokens
from truth.zoo.parts import Flow


def _last(m: Any, x: Tensor) -> Tensor:
    return m.out(m.rnn(m.table(x))[0][:, -1])


def _every(m: Any, x: Tensor) -> Tensor:
    return m.out(m.rnn(m.table(x))[0])


def _state(m: Any, x: Tensor) -> Tensor:
    return m.out(m.rnn(x)[1][-1])


def _speech(m: Any, x: Tensor) -> Tensor:
    h = functional.relu(m.conv(x)).transpose(1, 2)
    return m.out(m.rnn(h)[0])


def _cells(m: Any, x: Tensor) -> Tensor:
    h = c = x.new_zeros(x.shape[0], 5)
    for t in range(3):
        h, c = m.cell(m.inp(x[:, t]), (h, c))
    return m.out(h)


def _convolving(m: Any, x: Tensor) -> Tensor:
    h = c = torch.zeros(x.shape[0], 4, *x.shape[3:], dtype=x.dtype)
    for t in range(x.shape[1]):
        i, f, o, g = m.gates(torch.cat([x[:, t], h], 1)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return m.out(h)


class Mamba(nn.Module):
    """A small selective state space block, its scan written out."""

    def __init__(self, width: int = 6, inner: int = 8, state: int = 3, rank: int = 2) -> None:
        super().__init__()
        self.rank, self.state = rank, state
        self.embed = nn.Linear(4, width)
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, 3, padding=2, groups=inner)
        self.x_proj = nn.Linear(inner, rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.a_log = nn.Parameter(torch.rand(inner, state))
        self.skip = nn.Parameter(torch.rand(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Batch × time × 4."""
        stream = self.embed(x)
        u, z = self.in_proj(stream).chunk(2, -1)
        u = functional.silu(self.conv(u.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        return self.head(stream + self.out_proj(self._scan(u) * functional.silu(z)))

    def _scan(self, u: Tensor) -> Tensor:
        dt, b, c = self.x_proj(u).split([self.rank, self.state, self.state], -1)
        dt = functional.softplus(self.dt_proj(dt))
        h = u.new_zeros(u.shape[0], u.shape[2], self.state)
        out = []
        for t in range(u.shape[1]):
            decay = torch.exp(-dt[:, t, :, None] * torch.exp(self.a_log))
            h = decay * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
            out.append((h * c[:, t, None]).sum(-1))
        return torch.stack(out, 1) + u * self.skip


def _words(name: str, forward: Any, rnn: Any, width: int) -> Architecture:
    return Architecture(
        name,
        lambda: Flow(forward, table=nn.Embedding(13, 5), rnn=rnn(), out=nn.Linear(width, 3)),
        tokens(13, 2, 3),
    )


ARCHITECTURES = (
    _words("lstm", _last, lambda: nn.LSTM(5, 6, batch_first=True), 6),
    _words(
        "lstm_stacked_bidirectional",
        _every,
        lambda: nn.LSTM(5, 4, 2, bidirectional=True, batch_first=True),
        8,
    ),
    _words("gru_stacked", _every, lambda: nn.GRU(5, 6, 2, batch_first=True), 6),
    _words(
        "gru_bidirectional", _last, lambda: nn.GRU(5, 5, bidirectional=True, batch_first=True), 10
    ),
    _words("rnn_relu", _last, lambda: nn.RNN(5, 5, 2, nonlinearity="relu", batch_first=True), 5),
    Architecture(
        "lstm_state", lambda: Flow(_state, rnn=nn.GRU(4, 7), out=nn.Linear(7, 2)), images(3, 2, 4)
    ),
    Architecture(
        "speech",
        lambda: Flow(
            _speech,
            conv=nn.Conv1d(4, 6, 3),
            rnn=nn.LSTM(6, 5, bidirectional=True, batch_first=True),
            out=nn.Linear(10, 7),
        ),
        images(2, 4, 5),
    ),
    Architecture(
        "lstm_cells",
        lambda: Flow(_cells, inp=nn.Linear(4, 6), cell=nn.LSTMCell(6, 5), out=nn.Linear(5, 2)),
        images(2, 3, 4),
    ),
    Architecture(
        "conv_lstm",
        lambda: Flow(_convolving, gates=nn.Conv2d(6, 16, 3, padding=1), out=nn.Conv2d(4, 3, 1)),
        images(2, 3, 2, 4, 4),
    ),
    Architecture("mamba_block", Mamba, images(2, 3, 4)),
)
