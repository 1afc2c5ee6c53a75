"""Unit normalisation: the function stays, the lengths are √2, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from modlint_train import NotScalable, UnitNormaliser, normalise_units_
from torch import Tensor, nn
from torch.nn import functional
from trained_modules import images, make


@pytest.mark.parametrize("name", ["mlp", "cnn", "decoder"])
def test_function_stays(name: str) -> None:
    module, inputs = make(name), images(name)
    before, weights = module(inputs), [p.clone() for p in module.parameters()]
    normalise_units_(module)
    torch.testing.assert_close(module(inputs), before, rtol=1e-12, atol=1e-12)
    changed = zip(weights, module.parameters(), strict=True)
    assert any(not torch.allclose(old, new) for old, new in changed)


def test_function_stays_with_statistics_of_the_batch() -> None:
    module, inputs = make("cnn").train(), images("cnn", 16)
    before = module(inputs)
    normalise_units_(module)
    torch.testing.assert_close(module(inputs), before, rtol=1e-9, atol=1e-9)


def test_hidden_units_have_length_root_two() -> None:
    module = make("mlp")
    with torch.no_grad():
        module[2].weight[5], module[2].bias[5] = 0, 0
    normalise_units_(module)
    for layer in (module[0], module[2]):
        lengths = (layer.weight.square().sum(1) + layer.bias.square()).sqrt()
        alive = torch.ones(len(lengths), dtype=torch.bool)
        alive[5] = layer is module[0]
        torch.testing.assert_close(lengths[alive], torch.full_like(lengths[alive], 2**0.5))


def test_batch_norm_counts_as_folded() -> None:
    module = make("cnn")
    normalise_units_(module)
    convolution, norm = module[0], module[1]
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias - norm.running_mean * factor
    weights = convolution.weight.flatten(1) * factor.unsqueeze(1)
    lengths = (weights.square().sum(1) + bias.square()).sqrt()
    torch.testing.assert_close(lengths, torch.full_like(lengths, 2**0.5))


def test_twice_is_once() -> None:
    module = make("cnn")
    normaliser = UnitNormaliser(module)
    normaliser()
    once = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    normaliser()
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(tensor, once[name])


class Functional(nn.Module):
    """Activations that no submodule shows."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.conv, self.fc1 = nn.Conv2d(1, 4, 3), nn.Linear(16, 8)
        self.fc2 = nn.Linear(8, 3)
        self.activation = getattr(torch, activation)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.conv(x)), 2)
        return self.fc2(self.activation(self.fc1(torch.flatten(x, 1))))


def test_functional_activations_are_seen() -> None:
    torch.manual_seed(0)
    module, inputs = Functional("relu").double(), torch.randn(3, 1, 6, 6).double()
    before = module(inputs)
    normalise_units_(module)
    torch.testing.assert_close(module(inputs), before)
    with pytest.raises(NotScalable, match=r"layer 'fc1': behind it stands .*tanh"):
        normalise_units_(Functional("tanh"))


class Skipping(nn.Module):
    """A hidden layer that is also given out."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.fc1(x).relu()
        return self.fc2(hidden), hidden


class Branching(Skipping):
    """Control flow that depends on values."""

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.fc1(x).relu()
        return self.fc2(hidden) if hidden.sum() > 0 else self.fc2(-hidden)


class Repeating(Skipping):
    """A layer that is called twice."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.fc1(x).relu() + self.fc1(-x).relu())


def _tied() -> nn.Module:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    module[2].weight = module[0].weight
    return module


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Linear(4, 5), nn.ReLU6(), nn.Linear(5, 2)), r"'0': .* ReLU6\(\) \(1\)"),
        (nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 2)), "'0': .* GELU"),
        (make("late_norm"), "'0': a norm stands behind its activation"),
        (
            nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, affine=False), nn.Linear(5, 2)),
            "'0': only one batch norm with γ and β",
        ),
        (Skipping(), "'fc1': behind it stands the module's output"),
        (Branching(), "torch.fx cannot trace"),
        (Repeating(), "'fc1' is called 2 times"),
        (_tied(), "'2' shares its weight with '0'"),
    ],
)
def test_what_would_change_the_function_is_refused(module: nn.Module, message: str) -> None:
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(NotScalable, match=message):
        normalise_units_(module)
    assert all(tensor.equal(before[name]) for name, tensor in module.state_dict().items())


def test_units_of_next_to_nothing_stay_as_they_are() -> None:
    module = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))
    with torch.no_grad():
        module[0].weight[0] *= 1e-44
        module[0].bias[0] = 0
    inputs = torch.randn(5, 8)
    before = module(inputs)
    normalise_units_(module)
    assert all(bool(p.isfinite().all()) for p in module.parameters())
    torch.testing.assert_close(module(inputs), before)
