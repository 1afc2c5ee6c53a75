"""Sixteen networks trained for some seconds, each saved in its own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

STEPS = 400


class _Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.rnn = kind(8, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify (batch, 64) as eight steps of eight."""
        return self.head(self.rnn(x.reshape(-1, 8, 8))[0][:, -1])  # type: ignore[no-any-return]


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.layers = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify (batch, 64) as eight tokens of eight."""
        return self.head(self.layers(self.embed(x.reshape(-1, 8, 8))).mean(1))  # type: ignore[no-any-return]


def _mlp(activation: type[nn.Module], *widths: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in zip((64, *widths), (*widths, 10), strict=True):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def _cnn(norm: bool) -> nn.Module:
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for before, after in ((1, 16), (16, 32)):
        layers += [
            nn.Conv2d(before, after, 3),
            *([nn.BatchNorm2d(after)] if norm else []),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: _mlp(nn.ReLU, 128, 128),
    "gelu": lambda: _mlp(nn.GELU, 128),
    "tanh": lambda: _mlp(nn.Tanh, 64, 64, 64),
    "deep": lambda: _mlp(nn.ReLU, 64, 64, 64, 64, 64),
    "wide": lambda: _mlp(nn.ReLU, 512),
    "cnn": lambda: _cnn(norm=False),
    "cnn_norm": lambda: _cnn(norm=True),
    "lstm": lambda: _Recurrent(nn.LSTM),
    "gru": lambda: _Recurrent(nn.GRU),
    "rnn": lambda: _Recurrent(nn.RNN),
    "attention": _Attention,
    "layer_norm": lambda: nn.Sequential(
        nn.LayerNorm(64), nn.Linear(64, 96), nn.GELU(), nn.LayerNorm(96), nn.Linear(96, 10)
    ),
    "dropout": lambda: nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)
    ),
    "half": lambda: _mlp(nn.ReLU, 128, 96),
    "bfloat": lambda: _mlp(nn.SiLU, 128, 96),
    "double": lambda: _mlp(nn.Sigmoid, 64).double(),
}


def data() -> tuple[torch.Tensor, torch.Tensor]:
    """Ten noisy prototypes of 64 numbers: (2,000, 64), and their classes."""
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.randn(10, 64, generator=generator)
    labels = torch.randint(10, (2000,), generator=generator)
    return prototypes[labels] + torch.randn(2000, 64, generator=generator), labels


def train(model: nn.Module, seed: int) -> None:
    """Adam at 1e-3 for `STEPS` batches of 64."""
    inputs, labels = data()
    dtype = next(model.parameters()).dtype
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        batch = torch.randint(len(inputs), (64,), generator=generator)
        loss = nn.functional.cross_entropy(model(inputs[batch].to(dtype)), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def write(folder: Path) -> list[Path]:
    """Train and write all of them; what is to be checked of each."""
    written = []
    for number, (name, make) in enumerate(MODULES.items()):
        torch.manual_seed(number)
        model = make()
        train(model, number)
        model = {"half": model.half, "bfloat": model.bfloat16}.get(name, lambda m=model: m)()
        state = model.state_dict()
        path = folder / f"{name}.{'pt' if number % 2 else 'safetensors'}"
        torch.save(state, path) if number % 2 else save_file(state, path, {"format": "pt"})
        written.append(path)
    return written
