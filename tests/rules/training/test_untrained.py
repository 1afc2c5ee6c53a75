"""TRN001 on networks as initialised, and on networks that were trained for a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from rule_cases import verdicts
from saved_as import FORMATS, save_as
from sklearn.datasets import load_digits
from torch import nn

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Verdict

REGISTRY = load_registry()
DTYPES = (torch.float32, torch.float16, torch.bfloat16)

INITIALISERS: dict[str, Callable[[torch.Tensor], object] | None] = {
    "default": None,
    "xavier uniform": nn.init.xavier_uniform_,
    "he normal": nn.init.kaiming_normal_,
    "lecun uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="linear"),
    "normal 0.02": lambda w: nn.init.normal_(w, std=0.02),
    "truncated normal": lambda w: nn.init.trunc_normal_(w, std=0.02),
    "truncated at two deviations": lambda w: nn.init.trunc_normal_(w, std=0.1, a=-0.2, b=0.2),
    "orthogonal": nn.init.orthogonal_,
    "uniform 0.1": lambda w: nn.init.uniform_(w, -0.1, 0.1),
}


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 128)
        layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embed(images[:, 0])).mean(1))


def mlp() -> nn.Module:
    hidden = [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
    hidden += [nn.Linear(256, 256), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(256, 10))


def cnn() -> nn.Module:
    layers: list[nn.Module] = []
    for m, n in ((1, 48), (48, 64), (64, 64), (64, 64)):
        layers += [nn.Conv2d(m, n, 3, padding=1, bias=False), nn.BatchNorm2d(n), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


NETWORKS: dict[str, Callable[[], nn.Module]] = {"MLP": mlp, "CNN": cnn, "transformer": Transformer}


def built(network: str, initialiser: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    made = NETWORKS[network]()
    initialise = INITIALISERS[initialiser]
    for name, parameter in made.named_parameters() if initialise is not None else ():
        if parameter.ndim >= 2:
            initialise(parameter.data)
        elif name.endswith("bias"):
            parameter.data.zero_()
    return made


def judged(state: dict[str, torch.Tensor], folder: Path, container: str) -> tuple[Verdict, ...]:
    return verdicts(save_as(state, folder, container), REGISTRY, "untrained")


FRESH = [
    (network, initialiser, DTYPES[(i + j) % 3], FORMATS[(i + 2 * j) % 5], 10 * i + j)
    for i, network in enumerate(NETWORKS)
    for j, initialiser in enumerate(INITIALISERS)
]


@pytest.mark.parametrize(("network", "initialiser", "dtype", "container", "seed"), FRESH)
def test_a_network_as_initialised_is_found(
    network: str, initialiser: str, dtype: torch.dtype, container: str, seed: int, tmp_path: Path
) -> None:
    state = built(network, initialiser, seed).to(dtype).state_dict()
    (found,) = judged(state, tmp_path, container)
    assert (found.outcome, found.target.kind) == (Outcome.FAIL, "file"), found.message
    assert found.values["share"] >= 0.8


def test_half_precision_that_is_stored_in_full_is_recognised(tmp_path: Path) -> None:
    state = built("MLP", "default", 3).bfloat16().float().state_dict()
    (found,) = judged(state, tmp_path, "pt")
    assert found.values["untrained"] == 3


def batches(steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    classes = torch.tensor(digits.target)
    for _ in range(steps):
        batch = torch.randint(len(images), (64,))
        yield images[batch], classes[batch]


TRAINED = [
    (network, initialiser, optimiser, i + j)
    for i, network in enumerate(NETWORKS)
    for j, initialiser in enumerate(("default", "he normal", "truncated normal"))
    for optimiser in ("Adam", "SGD")
]


@pytest.mark.parametrize(("network", "initialiser", "optimiser", "seed"), TRAINED)
def test_a_network_that_was_trained_for_a_moment_passes(
    network: str, initialiser: str, optimiser: str, seed: int, tmp_path: Path
) -> None:
    made = built(network, initialiser, seed)
    parameters = made.parameters()
    steps = (
        torch.optim.Adam(parameters, 1e-3)
        if optimiser == "Adam"
        else torch.optim.SGD(parameters, 0.03, momentum=0.9)
    )
    for images, classes in batches(40):
        steps.zero_grad()
        nn.functional.cross_entropy(made(images), classes).backward()
        steps.step()
    found = judged(made.state_dict(), tmp_path, "pt")
    assert {verdict.outcome for verdict in found} == {Outcome.PASS}, found


@pytest.mark.parametrize("container", FORMATS)
def test_a_layer_that_was_never_trained_is_found_alone(container: str, tmp_path: Path) -> None:
    made = built("MLP", "default", 0)
    optimiser = torch.optim.Adam([p for n, p in made.named_parameters() if not n.startswith("5")])
    for images, classes in batches(30):
        optimiser.zero_grad()
        nn.functional.cross_entropy(made(images), classes).backward()
        optimiser.step()
    (found,) = judged(made.state_dict(), tmp_path, container)
    assert (found.outcome, found.target.name.removeprefix("state_dict.")) == (
        Outcome.FAIL,
        "5.weight",
    )
