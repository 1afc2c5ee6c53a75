"""Heads, bottlenecks and recurrent layers planted into networks, and near misses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from planted import exported
from rule_cases import verdicts
from saved_as import save_as
from torch import Tensor, nn

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
Change = Callable[[Tensor], None]
FORMATS = ("onnx", "pt", "safetensors", "onnx", "pt")
SEEDS = range(5)
INPUTS = 48
"""More than any network has outputs: no layer is narrow by its shape."""


def perceptron(width: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(INPUTS, 40), nn.ReLU()),
        *(nn.Linear(40, width), nn.ReLU()),
        nn.Linear(width, classes),
    )


def convolutions(width: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 24, 3), nn.BatchNorm2d(24), nn.ReLU()),
        *(nn.Conv2d(24, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(width, classes),
    )


MODELS = (
    (lambda: perceptron(32, 10), (INPUTS,)),
    (lambda: perceptron(64, 33), (INPUTS,)),
    (lambda: perceptron(34, 34), (INPUTS,)),
    (lambda: convolutions(32, 10), (3, 9, 9)),
)


def found(rule: str, seed: int, change: Change, layer: int, folder: Path) -> list[Outcome]:
    """The outcomes on a network of which one layer, counted from the end, is changed."""
    torch.manual_seed(seed)
    make, shape = MODELS[seed % len(MODELS)]
    model = make()
    weights = [part for part in model if hasattr(part, "weight") and part.weight.dim() > 1]
    with torch.no_grad():
        change(weights[layer].weight)
    container = "onnx" if seed % len(MODELS) == 3 else FORMATS[seed]
    if container == "onnx":
        path = exported(model.eval(), torch.zeros(1, *shape), dynamo=False)(folder)
    else:
        path = save_as(model.state_dict(), folder, container)
    return [verdict.outcome for verdict in verdicts(path, REGISTRY, rule)]


def projected(rank: int) -> Change:
    def change(weight: Tensor) -> None:
        matrix = weight.flatten(1).double()
        u, s, v = torch.linalg.svd(matrix, full_matrices=False)
        weight.copy_(((u[:, :rank] * s[:rank]) @ v[:rank]).reshape(weight.shape))

    return change


def copied(weight: Tensor) -> None:
    weight[3] = weight[4]


def combined(weight: Tensor) -> None:
    weight[2] = 1.5 * weight[0] - 0.5 * weight[1]


def averaged(weight: Tensor) -> None:
    weight[5:9] = weight[5:9].mean(0)


def alike(weight: Tensor) -> None:
    weight[3] = weight[4] + 0.01 * weight[3]


def shifted(weight: Tensor) -> None:
    weight += torch.randn_like(weight[0])


def nothing(weight: Tensor) -> None:
    pass


def small(weight: Tensor) -> None:
    weight[3] *= 1e-3


PLANTED: tuple[tuple[str, Change, int], ...] = (
    *(("dependent-classes", change, -1) for change in (copied, combined, averaged, projected(5))),
    *(("rank-bottleneck", change, -2) for change in (projected(3), projected(7))),
    *(("rank-bottleneck", change, -3) for change in (projected(2), projected(6))),
)
NEAR: tuple[tuple[str, Change, int], ...] = (
    *(("dependent-classes", change, -1) for change in (nothing, alike, shifted, small)),
    ("dependent-classes", projected(3), -2),
    *(("rank-bottleneck", change, -2) for change in (nothing, small, copied)),
    ("rank-bottleneck", small, -3),
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rule", "change", "layer"), PLANTED)
def test_what_is_planted_is_found(
    rule: str, change: Change, layer: int, seed: int, tmp_path: Path
) -> None:
    assert found(rule, seed, change, layer, tmp_path) == [Outcome.FAIL]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rule", "change", "layer"), NEAR)
def test_near_misses_are_not(
    rule: str, change: Change, layer: int, seed: int, tmp_path: Path
) -> None:
    assert found(rule, seed, change, layer, tmp_path) == [Outcome.PASS]


RECURRENT: tuple[Callable[[], nn.Module], ...] = (
    lambda: nn.RNN(12, 24),
    lambda: nn.RNN(12, 48, 2),
    lambda: nn.RNN(12, 16, bidirectional=True),
    lambda: nn.RNN(12, 32, nonlinearity="relu"),
)


def with_radius(module: nn.Module, radius: float) -> nn.Module:
    """All recurrent weights with this spectral radius."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if "weight_hh" in name:
                weight *= radius / torch.linalg.eigvals(weight).abs().max()
    return module


def recurrent(number: int, radius: float, container: str, folder: Path) -> list[Outcome]:
    torch.manual_seed(number)
    module = with_radius(RECURRENT[number](), radius)
    if container == "onnx":
        path = exported(module, torch.zeros(4, 1, 12), dynamo=False)(folder)
    else:
        path = save_as(module.state_dict(), folder, container)
    return [verdict.outcome for verdict in verdicts(path, REGISTRY, "unstable-recurrence")]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("container", ["pt", "safetensors", "onnx"])
@pytest.mark.parametrize("radius", [2.6, 10.0])
def test_large_radii_are_found(number: int, container: str, radius: float, tmp_path: Path) -> None:
    outcomes = recurrent(number, radius, container, tmp_path)
    assert outcomes
    assert set(outcomes) == {Outcome.FAIL}


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("container", ["pt", "safetensors", "onnx"])
@pytest.mark.parametrize("radius", [0.9, 2.4])
def test_usual_radii_pass(number: int, container: str, radius: float, tmp_path: Path) -> None:
    outcomes = recurrent(number, radius, container, tmp_path)
    assert outcomes
    assert set(outcomes) == {Outcome.PASS}
