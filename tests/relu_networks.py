"""Small networks with ReLUs, written as graphs, one of whose layers can be closed for good."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

GRAPHS = ("onnx", "script", "program")
"""Containers that hold a graph."""


class Between(nn.Module):
    """Two layers with ReLUs, and a function between them."""

    def __init__(self, function: Callable[[Tensor], Tensor], width: int = 12) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 12), nn.Linear(width, 10)
        self.head, self.function = nn.Linear(10, 3), function

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.function(torch.relu(self.first(x)))
        closed: Tensor = self.head(torch.relu(self.second(hidden)))
        return closed


class Residual(nn.Module):
    """A stream that a ReLU keeps above zero, what is added to it, and a head that reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = nn.Linear(8, 12), nn.Linear(12, 12), nn.Linear(12, 12)
        self.second, self.head = nn.Linear(12, 10), nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        stream = torch.relu(self.stem(x))
        stream = stream + torch.sigmoid(self.b(torch.relu(self.a(stream))))
        found: Tensor = self.head(torch.relu(self.second(stream)))
        return found


class Gated(nn.Module):
    """A gate from 0 to 1 times what a ReLU gives."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.value = nn.Linear(8, 12), nn.Linear(8, 12)
        self.second, self.head = nn.Linear(12, 10), nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.sigmoid(self.gate(x)) * torch.relu(self.value(x))
        found: Tensor = self.head(torch.relu(self.second(hidden)))
        return found


class Tokens(nn.Module):
    """Embeddings, a layer norm, a hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm = nn.Embedding(20, 12), nn.LayerNorm(12)
        self.second, self.head = nn.Linear(12, 10), nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(torch.relu(self.second(self.norm(self.table(x)))))
        return found


class Convolutions(nn.Module):
    """Two convolutions with what stands between them, and a head."""

    def __init__(self, *between: nn.Module, norm: bool = False, transposed: bool = False) -> None:
        super().__init__()
        layer = nn.ConvTranspose2d if transposed else nn.Conv2d
        self.first, self.between = nn.Conv2d(3, 12, 3), nn.Sequential(nn.ReLU(), *between)
        self.second = layer(12, 10, 3, padding=1)
        self.norm = nn.BatchNorm2d(10) if norm else nn.Identity()
        self.head = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        image = torch.relu(self.norm(self.second(self.between(self.first(x)))))
        found: Tensor = self.head(image.mean((2, 3)))
        return found


Build = Callable[[], nn.Module]
VECTOR, IMAGE, TOKENS = torch.zeros(1, 8), torch.zeros(1, 3, 9, 9), torch.zeros(1, 5).long()

NETWORKS: dict[str, tuple[Build, Tensor]] = {
    "mlp": (lambda: Between(nn.Identity()), VECTOR),
    "batch norm": (lambda: Between(nn.BatchNorm1d(12)), VECTOR),
    "residual": (Residual, VECTOR),
    "gated": (Gated, VECTOR),
    "tokens": (Tokens, TOKENS),
    "cnn": (lambda: Convolutions(nn.MaxPool2d(2)), IMAGE),
    "cnn batch norm": (lambda: Convolutions(nn.AvgPool2d(2), norm=True), IMAGE),
    "cnn transposed": (lambda: Convolutions(transposed=True), IMAGE),
}
"""By name, what builds one, and an input; the layer that can be closed is `second`."""

FAITHFUL: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "nothing": (lambda x: x, 12),
    "views": (lambda x: x.reshape(-1, 3, 4).transpose(1, 2).flatten(1), 12),
    "side by side": (lambda x: torch.cat([x, x.flip(1)[:, :4]], 1), 16),
    "a part": (lambda x: x.chunk(2, 1)[1], 6),
    "twice ReLU": (lambda x: torch.relu(x), 12),
    "clipped": (lambda x: nn.functional.relu6(x), 12),
    "sigmoid": (torch.sigmoid, 12),
    "a sum": (lambda x: x + torch.sigmoid(x), 12),
}
"""What keeps numbers above zero as the network says, and the width behind it."""

MISLEADING: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "negated": (lambda x: -x, 12),
    "times a negative": (lambda x: x * -0.5, 12),
    "divided by a negative": (lambda x: x / -2.0, 12),
    "one minus": (lambda x: 1 - x, 12),
    "less a number": (lambda x: x - 3.0, 12),
    "plus a negative": (lambda x: x + -2.0, 12),
    "less its mean": (lambda x: x - x.mean(1, keepdim=True), 12),
    "less itself": (lambda x: x - 2 * x, 12),
    "turned around and less": (lambda x: x - x.flip(1), 12),
    "its differences": (lambda x: torch.diff(x, dim=1), 11),
    "normalised": (lambda x: nn.functional.layer_norm(x, (12,)), 12),
    "the logarithm": (lambda x: (x + 0.01).log(), 12),
    "the cosine": (torch.cos, 12),
    "the hyperbolic tangent less": (lambda x: torch.tanh(x) - 0.9, 12),
    "products with one another": (lambda x: (x[:, :, None] - x[:, None, :]).sum(2), 12),
    "padded with a number": (lambda x: nn.functional.pad(x, (0, 2), value=-5.0), 14),
    "one overwritten": (lambda x: x.index_fill(1, torch.tensor([1]), -9.0), 12),
    "where": (lambda x: torch.where(x > 0.3, x, torch.full_like(x, -4.0)), 12),
    "a maximum of channels": (lambda x: x.view(-1, 6, 2).amax(2) - 1, 6),
    "a minimum": (lambda x: torch.minimum(x, x.flip(1) - 1), 12),
    "cubic resizing": (
        lambda x: nn.functional.interpolate(x.view(-1, 1, 3, 4), (6, 4), mode="bicubic").flatten(1),
        24,
    ),
}
"""What makes something else of numbers above zero."""


def seeded(build: Build, seed: int) -> nn.Module:
    """A network as it is initialised, its norms away from their start."""
    torch.manual_seed(seed)
    module = build().eval()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
                part.weight.uniform_(0.5, 1.5)
                part.bias.uniform_(0.05, 0.2)
    return module


def close(module: Any, units: slice = slice(0, 3), bias: float = -0.05) -> None:
    """Make units of `second` zero for all that is not below zero."""
    rows = module.second
    transposed = isinstance(rows, nn.ConvTranspose2d)
    with torch.no_grad():
        weight = rows.weight.transpose(0, 1) if transposed else rows.weight
        weight[units] = -weight[units].abs()
        rows.bias[units] = bias
        if isinstance(getattr(module, "norm", None), nn.BatchNorm2d):
            module.norm.bias[units] = bias
            module.norm.running_mean.abs_()


def write_graph(module: nn.Module, example: Tensor, container: str, folder: Path) -> Path:
    """Write a network as a graph, and return its path."""
    path = folder / {"onnx": "model.onnx", "script": "model.pt", "program": "model.pt2"}[container]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own deprecations
        if container == "onnx":
            torch.onnx.export(module, (example,), str(path), dynamo=False, verbose=False)
        elif container == "script":
            torch.jit.trace(module, example, check_trace=False).save(str(path))  # type: ignore[no-untyped-call]
        else:
            torch.export.save(torch.export.export(module, (example,)), str(path))
    return path
