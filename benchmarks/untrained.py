"""The operating curve of TRN001: networks as initialised, and after a few steps of training.

    python benchmarks/untrained.py [steps …]

Every network is one of five architectures on scikit-learn's digits, with one of six initialisers,
trained with one of three optimisers. For each number of steps: accuracy, the share of networks in
which TRN001 finds anything, and findings per network. Step 0 is recall; a network that classifies
well should have no finding.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

from modlint.engine.in_memory import check_read
from modlint.engine.registry import load_registry
from modlint.live import checkpoint_of
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Outcome

REGISTRY = load_registry()
STEPS = (0, 10, 30, 100, 300)
Initialise = Callable[[torch.Tensor], object]

INITIALISERS: dict[str, Initialise | None] = {
    "default": None,
    "xavier": nn.init.xavier_uniform_,
    "kaiming normal": nn.init.kaiming_normal_,
    "normal 0.02": lambda w: nn.init.normal_(w, std=0.02),
    "truncated normal": lambda w: nn.init.trunc_normal_(w, std=0.05, a=-0.1, b=0.1),
    "orthogonal": nn.init.orthogonal_,
}
OPTIMISERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "Adam 1e-3": lambda net: torch.optim.Adam(net.parameters(), 1e-3),
    "Adam 1e-4": lambda net: torch.optim.Adam(net.parameters(), 1e-4),
    "SGD 1e-2": lambda net: torch.optim.SGD(net.parameters(), 1e-2, momentum=0.9),
}


class Attention(nn.Module):
    """A transformer over the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 128)
        layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of images (n, 1, 8, 8)."""
        return self.head(self.encoder(self.embed(images[:, 0])).mean(1))


class Recurrent(nn.Module):
    """An LSTM over the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 128, 2, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of images (n, 1, 8, 8)."""
        return self.head(self.lstm(images[:, 0])[0][:, -1])


def mlp(*widths: int) -> nn.Module:
    """A multilayer perceptron."""
    layers: list[nn.Module] = [nn.Flatten()]
    for m, n in itertools.pairwise((64, *widths)):
        layers += [nn.Linear(m, n), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


def cnn() -> nn.Module:
    """Three convolutions with batch norms."""
    layers: list[nn.Module] = []
    for m, n in itertools.pairwise((1, 32, 64, 128)):
        layers += [nn.Conv2d(m, n, 3, padding=1, bias=False), nn.BatchNorm2d(n), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "MLP": lambda: mlp(256, 256),
    "deep MLP": lambda: mlp(384, 384, 384, 384),
    "CNN": cnn,
    "transformer": Attention,
    "LSTM": Recurrent,
}


def data() -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 1, 8, 8) from 0 to 1, and classes."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    return images, torch.tensor(digits.target)


def trained(
    network: nn.Module, optimiser: torch.optim.Optimizer, steps: tuple[int, ...]
) -> Iterator[tuple[int, float]]:
    """Train; stop at each of the numbers of steps, with the accuracy on what was held out."""
    images, classes = data()
    for step in range(max(steps) + 1):
        if step in steps:
            network.eval()
            with torch.no_grad():
                right = network(images[1400:]).argmax(1) == classes[1400:]
            network.train()
            yield step, float(right.float().mean())
        batch = torch.randint(1400, (32,))
        loss = nn.functional.cross_entropy(network(images[batch]), classes[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def findings(network: nn.Module) -> int:
    """How many findings TRN001 has in a network."""
    checkpoint = checkpoint_of(network.state_dict())
    settings = Configuration(Settings(select=("TRN001",), device="cpu"), None, Path())
    (file,) = check_read(checkpoint, settings, REGISTRY).files
    return sum(verdict.outcome is Outcome.FAIL for verdict in file.verdicts)


def built(name: str, initialiser: str, seed: int) -> nn.Module:
    """A network as initialised; biases as PyTorch draws them, or zero."""
    torch.manual_seed(seed)
    network = NETWORKS[name]()
    initialise = INITIALISERS[initialiser]
    for parameter in network.parameters() if initialise is not None else ():
        with torch.no_grad():
            if parameter.ndim >= 2:
                initialise(parameter)
    return network


def main(steps: tuple[int, ...]) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    found: dict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
    for name, initialiser, optimiser in itertools.product(NETWORKS, INITIALISERS, OPTIMISERS):
        network = built(name, initialiser, len(found))
        for step, accuracy in trained(network, OPTIMISERS[optimiser](network), steps):
            found[initialiser, step].append((accuracy, findings(network)))
    print(f"{'initialiser':18} steps  accuracy  networks found  findings each")
    for (initialiser, step), rows in found.items():
        accuracy = sum(row[0] for row in rows) / len(rows)
        share = sum(row[1] > 0 for row in rows) / len(rows)
        each = sum(row[1] for row in rows) / len(rows)
        print(f"{initialiser:18} {step:5}  {accuracy:8.2f}  {share:14.2f}  {each:13.2f}")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or STEPS)
