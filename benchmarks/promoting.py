"""Trains networks to be clusterable, each beside a control: 784-256×4-10 and 49-64×3-10 on MNIST.

Both by the recipe of the published table: Glorot-uniform weights, zero biases, Adam at 1e-3,
batches of 128. The small one sees images averaged over 4×4 pixels (Filan et al., arXiv 2103.03386).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from modlint_train import (
    ClusterabilityPenalty,
    FixedPartition,
    UnitNormaliser,
    clusterable_init_,
)
from torch import nn
from training import load

SIZES = {"7x7": (49, 64, 64, 64, 10), "mnist": (784, 256, 256, 256, 256, 10)}
EPOCHS = {"7x7": 10, "mnist": 20}
KINDS = {
    "7x7": ("control", "normalised", "regularised", "fixed-partition"),
    "mnist": ("control", "clusterable-init", "fixed-partition"),
}
BATCH = 128
PENALTY, PARTITION = 0.1, 1.0
"""Weights in the loss: of the eigenvalue penalty, of the partition's."""

Prepare = Callable[[], None]
Penalty = Callable[[], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One network to train: a key of `KINDS`, one of its kinds, the seed of all that is random."""

    experiment: str
    kind: str
    seed: int

    @property
    def name(self) -> str:
        """The name of its file in the cache."""
        return f"promote-{self.experiment}-{self.kind}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network.

    Attributes:
        path: of its state_dict.
        accuracy: on the test images.
        seconds: that training took.
        excess: (C − chance)/(1 − chance) of its fixed partition, None where it has none.
    """

    path: Path
    accuracy: float
    seconds: float
    excess: float | None


def train(recipe: Recipe, data: Path, cache: Path) -> Trained:
    """Train a network, or take it from the cache."""
    path, record = cache / f"{recipe.name}.pt", cache / f"{recipe.name}.train.json"
    if record.is_file():
        return Trained(path, **json.loads(record.read_text()))
    start = time.perf_counter()
    torch.manual_seed(recipe.seed)
    arrays = {name: _pooled(a, recipe) for name, a in load(data, "mnist").items()}
    model = _mlp(SIZES[recipe.experiment])
    excess = _fit(model, arrays, recipe)
    model.eval()
    with torch.no_grad():
        correct = model(arrays["x_test"]).argmax(1) == arrays["y_test"]
    seconds = time.perf_counter() - start
    trained = Trained(path, correct.double().mean().item(), seconds, excess)
    torch.save(model.state_dict(), path)
    measured = asdict(trained)
    del measured["path"]
    record.write_text(json.dumps(measured))
    return trained


def _pooled(array: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    if recipe.experiment != "7x7" or array.ndim == 1:
        return array
    return nn.functional.avg_pool2d(array.view(-1, 1, 28, 28), 4).flatten(1)


def _mlp(sizes: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _fit(model: nn.Module, arrays: dict[str, torch.Tensor], recipe: Recipe) -> float | None:
    """Train; what is left of the fixed partition, if there is one."""
    images, labels = arrays["x_train"], arrays["y_train"]
    if recipe.kind == "clusterable-init":
        clusterable_init_(model, generator=torch.Generator().manual_seed(recipe.seed))
    normalise = recipe.kind in ("normalised", "regularised")
    prepare: Prepare = UnitNormaliser(model) if normalise else lambda: None
    partition = FixedPartition(model, seed=recipe.seed) if "partition" in recipe.kind else None
    penalty = _penalty(model, recipe, partition)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for _ in range(EPOCHS[recipe.experiment]):
        for batch in torch.randperm(len(images)).split(BATCH):
            prepare()
            optimiser.zero_grad()
            task = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            (task + penalty() if penalty else task).backward()
            optimiser.step()
    return partition.excess() if partition else None


def _penalty(model: nn.Module, recipe: Recipe, partition: FixedPartition | None) -> Penalty | None:
    if partition is not None:
        return lambda: PARTITION * partition.penalty()
    if recipe.kind == "regularised":
        eigenvalues = ClusterabilityPenalty(model)
        return lambda: PENALTY * eigenvalues()
    return None
