"""Trains the networks of the published table: 784-256×4-10 MLPs on MNIST and Fashion-MNIST.

Recipe (Filan et al., arXiv 2103.03386, appendix): Glorot-uniform weights, zero biases, Adam at
1e-3, batches of 128, 20 epochs, inputs scaled to [0, 1]; dropout ½ after each hidden ReLU.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

SIZES = (784, 256, 256, 256, 256, 10)
EPOCHS = 20
BATCH = 128


@dataclass(frozen=True, slots=True)
class Recipe:
    """One network to train: dataset's file stem, dropout rate, seed."""

    dataset: str
    dropout: float
    seed: int

    @property
    def name(self) -> str:
        """The name of its file in the cache."""
        kind = "dropout" if self.dropout else "control"
        return f"{self.dataset}-{kind}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network: path of its state_dict, test accuracy, seconds that it took."""

    path: Path
    accuracy: float
    seconds: float


def mlp(dropout: float) -> nn.Sequential:
    """The network, Glorot-uniform weights and zero biases."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(SIZES):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers[:-2])


def load(data: Path, dataset: str) -> dict[str, torch.Tensor]:
    """The dataset: images (n, 784) float32 in [0, 1], labels (n,) int64, as train and test."""
    with np.load(data / f"{dataset}.npz") as arrays:
        images = {s: torch.from_numpy(arrays[f"x_{s}"]) for s in ("train", "test")}
        labels = {s: torch.from_numpy(arrays[f"y_{s}"]) for s in ("train", "test")}
    return {f"x_{s}": x.reshape(len(x), -1).float() / 255 for s, x in images.items()} | {
        f"y_{s}": y.long() for s, y in labels.items()
    }


def train(recipe: Recipe, data: Path, cache: Path) -> Trained:
    """Train a network, or take it from the cache, where it lies as a state_dict."""
    path, record = cache / f"{recipe.name}.pt", cache / f"{recipe.name}.train.json"
    if record.is_file():
        return Trained(path, **json.loads(record.read_text()))
    start = time.perf_counter()
    torch.manual_seed(recipe.seed)
    model, arrays = mlp(recipe.dropout), load(data, recipe.dataset)
    _fit(model, arrays["x_train"], arrays["y_train"])
    model.eval()
    with torch.no_grad():
        correct = model(arrays["x_test"]).argmax(1) == arrays["y_test"]
    trained = Trained(path, correct.double().mean().item(), time.perf_counter() - start)
    torch.save(model.state_dict(), path)
    measured = asdict(trained)
    del measured["path"]
    record.write_text(json.dumps(measured))
    return trained


def _fit(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimiser.step()
