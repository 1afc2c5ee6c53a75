"""Trains the networks of the published table: 784-256×4-10 MLPs on MNIST and Fashion-MNIST.

Recipe (Filan et al., arXiv 2103.03386, appendix): Glorot-uniform weights, zero biases, Adam at
1e-3, batches of 128, 20 epochs, inputs scaled to [0, 1]; dropout ½ after each hidden ReLU; a pruned
network starts from the trained one and trains as long again under `pruning.Pruner`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import torch
from penalties import PENALTIES
from pruning import Pruner
from torch import nn

SIZES = (784, 256, 256, 256, 256, 10)
EPOCHS = 20
BATCH = 128
MODULES = 10
WIRING, REARRANGED = 2e-4, 200
"""Weight of the wiring's cost in the loss, and steps between two assignments of places."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One network to make.

    Attributes:
        dataset: its file's stem; ignored by the untrained network.
        kind: "control", "dropout", "clusterable-init", "fixed-partition", "wiring", "untrained"
            or a key of `PENALTIES`.
        pruned: trained on under pruning.
        seed: of the weights, the batches and the dropout.
    """

    dataset: str
    kind: str
    pruned: bool
    seed: int

    @property
    def name(self) -> str:
        """The name of its file in the cache."""
        kind = f"{self.kind}-pruned" if self.pruned else self.kind
        return (
            f"{kind}-{self.seed}" if kind == "untrained" else f"{self.dataset}-{kind}-{self.seed}"
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """A network: path of its state_dict, test accuracy, and the time that making it took."""

    path: Path
    accuracy: float
    seconds: float
    cpu_seconds: float


def mlp(recipe: Recipe) -> nn.Sequential:
    """The network at its initialisation: Glorot-uniform weights, or clusterable ones; no biases."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(SIZES):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
        layers += [nn.Dropout(0.5)] if recipe.kind == "dropout" else []
    model = nn.Sequential(*layers[: layers.index(linear) + 1])
    if recipe.kind == "clusterable-init":
        from modlint_train import clusterable_init_

        clusterable_init_(
            model, modules=MODULES, generator=torch.Generator().manual_seed(recipe.seed)
        )
    return model


def load(data: Path, dataset: str) -> dict[str, torch.Tensor]:
    """The dataset: images (n, 784) float32 in [0, 1], labels (n,) int64, as train and test."""
    with np.load(data / f"{dataset}.npz") as arrays:
        images = {s: torch.from_numpy(arrays[f"x_{s}"]) for s in ("train", "test")}
        labels = {s: torch.from_numpy(arrays[f"y_{s}"]) for s in ("train", "test")}
    return {f"x_{s}": x.reshape(len(x), -1).float() / 255 for s, x in images.items()} | {
        f"y_{s}": y.long() for s, y in labels.items()
    }


def train(recipe: Recipe, data: Path, cache: Path) -> Trained:
    """Make a network, or take it from the cache, where it lies as a state_dict.

    A pruned network needs its unpruned one, which is made first.
    """
    path, record = cache / f"{recipe.name}.pt", cache / f"{recipe.name}.train.json"
    if record.is_file():
        return Trained(path, **json.loads(record.read_text()))
    parent = train(replace(recipe, pruned=False), data, cache) if recipe.pruned else None
    wall, cpu = time.perf_counter(), time.process_time()
    torch.manual_seed(recipe.seed)
    model, arrays = mlp(recipe), load(data, recipe.dataset)
    if parent:
        model.load_state_dict(torch.load(parent.path, weights_only=True))
    if recipe.kind != "untrained":
        torch.set_flush_denormal(True)  # penalised weights shrink to 1e-20, their squares further
        _fit(model, arrays["x_train"], arrays["y_train"], recipe)
        torch.set_flush_denormal(False)
    used = (time.perf_counter() - wall, time.process_time() - cpu)
    trained = Trained(path, _accuracy(model, arrays["x_test"], arrays["y_test"]), *used)
    torch.save(model.state_dict(), path)
    measured = asdict(trained)
    del measured["path"]
    record.write_text(json.dumps(measured))
    return trained


def _accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(1) == labels).double().mean().item()


def _fit(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> None:
    """Train for `EPOCHS`, with what the recipe adds to a step."""
    weights = [module.weight for module in model.modules() if isinstance(module, nn.Linear)]
    penalise: Callable[[list[nn.Parameter]], None] = PENALTIES.get(recipe.kind, lambda _: None)
    steps = EPOCHS * -(-len(images) // BATCH)
    pruner = Pruner(weights, steps) if recipe.pruned else None
    penalty = _penalty(model, recipe)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            (loss + penalty()).backward()
            penalise(weights)
            optimiser.step()
            if pruner:
                pruner.step()


def _penalty(model: nn.Module, recipe: Recipe) -> Callable[[], torch.Tensor | float]:
    """What modlint-train adds to the loss in each step."""
    if recipe.kind == "fixed-partition":
        from modlint_train import FixedPartition

        return FixedPartition(model, seed=recipe.seed).penalty
    if recipe.kind == "wiring":
        from modlint_train import WiringCost

        wiring, steps = WiringCost(model, seed=recipe.seed), count(1)

        def cost() -> torch.Tensor:
            if next(steps) % REARRANGED == 0:
                wiring.rearrange()
            return WIRING * wiring.penalty()

        return cost
    return lambda: 0.0
