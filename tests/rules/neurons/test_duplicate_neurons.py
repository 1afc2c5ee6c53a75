"""NEU005 on planted twins and near misses, and against all pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rule_cases import verdicts
from saved_as import FORMATS, save_as
from torch import nn

from modlint.engine.registry import load_registry
from modlint.numerics.tensor.duplicate_rows import duplicate_groups
from modlint.verdict import Outcome, Persona

REGISTRY = load_registry()
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
LAYERS: tuple[Callable[[], nn.Module], ...] = (
    lambda: nn.Linear(100, 30),
    lambda: nn.Linear(2000, 64, bias=False),
    lambda: nn.Conv2d(16, 24, 3),
    lambda: nn.Conv1d(32, 200, 3, bias=False),
    lambda: nn.ConvTranspose2d(24, 40, 3),
)


def copied(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    weight[9] = weight[4]
    if bias is not None:
        bias[9] = bias[4]


def doubled(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    weight[9] = 2 * weight[4]
    if bias is not None:
        bias[9] = 2 * bias[4]


def nearly(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """At a cosine of about 0.9996."""
    copied(weight, bias)
    weight[9] += 0.03 * weight[4].float().std() * torch.randn(weight[9].shape).to(weight.dtype)


def all_alike(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    weight[:] = weight[:1].clone()
    if bias is not None:
        bias[:] = 0.1


def unlike(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """At a cosine of about 0.995."""
    copied(weight, bias)
    weight[9] += 0.1 * weight[4].float().std() * torch.randn(weight[9].shape).to(weight.dtype)


def opposite(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    weight[9] = -weight[4]


def constant(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    weight[:8] = 0
    weight[8:12] = 0.5


def untouched(weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """A layer as it is initialised."""


TWINS = [(i, change) for i in range(5) for change in (copied, doubled, nearly, all_alike)]
OTHERS = [(i, change) for i in range(5) for change in (unlike, opposite, constant, untouched)]


def judged(index: int, change: Callable[..., None], folder: Path) -> Outcome:
    torch.manual_seed(index)
    layer = LAYERS[index]().to(DTYPES[index % 4])
    with torch.no_grad():
        transposed = isinstance(layer, nn.ConvTranspose2d)
        change(layer.weight.transpose(0, 1) if transposed else layer.weight, layer.bias)
    state = {f"layer.{name}": tensor for name, tensor in layer.state_dict().items()}
    path = save_as(state, folder, FORMATS[(index + len(change.__name__)) % 5])
    (found,) = verdicts(path, REGISTRY, "duplicate-neurons")
    assert found.outcome is not Outcome.FAIL or found.persona is Persona.PEDANTIC
    return found.outcome


@pytest.mark.parametrize(("layer", "change"), TWINS)
def test_twins_are_found(layer: int, change: Callable[..., None], tmp_path: Path) -> None:
    assert judged(layer, change, tmp_path) is Outcome.FAIL


@pytest.mark.parametrize(("layer", "change"), OTHERS)
def test_others_pass(layer: int, change: Callable[..., None], tmp_path: Path) -> None:
    assert judged(layer, change, tmp_path) is Outcome.PASS


@pytest.mark.parametrize("seed", range(12))
def test_hashing_finds_what_comparing_all_pairs_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units, fan_in = int(rng.integers(100, 1500)), int(rng.choice([64, 150, 900]))
    weights = rng.standard_normal((units, fan_in)) + (seed % 3) * rng.standard_normal(fan_in)
    for i in range(10):
        length = np.linalg.norm(weights[2 * i]) / np.sqrt(fan_in)
        noise = rng.uniform(0, 0.05) * length * rng.standard_normal(fan_in)
        weights[2 * i + 1] = (weights[2 * i] + noise) * rng.uniform(0.2, 5)
    directions = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    above = np.triu(directions @ directions.T > 0.999, 1)
    found = {unit for group in duplicate_groups(weights, None, 0.999).groups for unit in group}
    assert found == {int(unit) for unit in np.concatenate(np.nonzero(above))}


def test_a_wide_layer_of_one_unit_is_one_group() -> None:
    weights = np.repeat(np.random.default_rng(0).standard_normal((1, 256)), 5000, 0)
    (group,) = duplicate_groups(weights, None, 0.999).groups
    assert len(group) == 5000


def test_magnitudes_at_the_end_of_the_range_are_compared() -> None:
    weights = np.random.default_rng(0).standard_normal((20, 64)) * 1e300
    weights[5] = weights[3] * 1e-300
    assert duplicate_groups(weights, None, 0.999).groups == ((3, 5),)
