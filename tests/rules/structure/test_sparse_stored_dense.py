"""STR002 on planted faults and near misses: shapes, types, containers, patterns, pruning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rule_cases import verdicts
from saved_as import FORMATS, save_as
from torch import nn
from torch.nn.utils import prune

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
LAYERS: tuple[Callable[[], nn.Module], ...] = (
    lambda: nn.Linear(64, 48),
    lambda: nn.Conv2d(32, 24, 3),
    lambda: nn.Conv1d(32, 24, 5),
    lambda: nn.ConvTranspose2d(16, 16, 4),
    lambda: nn.LSTM(32, 32),
)


def pruned(layer: nn.Module, share: float) -> nn.Module:
    """As torch prunes by magnitude, made permanent."""
    for name in [name for name, p in layer.named_parameters() if p.ndim > 1]:
        prune.l1_unstructured(layer, name, share)
        prune.remove(layer, name)
    return layer


def without_rows(layer: nn.Module, share: float) -> nn.Module:
    for name in [name for name, p in layer.named_parameters() if p.ndim > 1]:
        prune.ln_structured(layer, name, share, n=2, dim=0)
        prune.remove(layer, name)
    return layer


def n_of_m(layer: nn.Module, n: int, m: int) -> nn.Module:
    """The smallest m − n of each m neighbours along the second axis are zero."""
    with torch.no_grad():
        for p in (p for p in layer.parameters() if p.ndim > 1):
            groups = p.movedim(1, -1).unflatten(-1, (-1, m))
            smallest = groups.abs().argsort(-1)[..., : m - n]
            p.copy_(groups.scatter(-1, smallest, 0.0).flatten(-2).movedim(-1, 1))
    return layer


CHANGES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "60 %": lambda layer: pruned(layer, 0.6),
    "95 %": lambda layer: pruned(layer, 0.95),
    "rows": lambda layer: without_rows(layer, 0.75),
    "2:4": lambda layer: n_of_m(layer, 2, 4),
    "4:8": lambda layer: n_of_m(layer, 4, 8),
}
PLANTED = [(i, change) for i in range(len(LAYERS)) for change in CHANGES]


@pytest.mark.parametrize(("layer", "change"), PLANTED)
def test_zeros_that_are_stored_are_found(layer: int, change: str, tmp_path: Path) -> None:
    torch.manual_seed(layer)
    network = CHANGES[change](LAYERS[layer]()).to(DTYPES[layer % 4])
    state = {f"net.{name}": tensor for name, tensor in network.state_dict().items()}
    path = save_as(state, tmp_path, FORMATS[(layer + len(change)) % 5])
    found = verdicts(path, REGISTRY, "sparse-stored-dense")
    matrices = sum(tensor.ndim > 1 for tensor in state.values())
    assert [verdict.outcome for verdict in found] == [Outcome.FAIL] * matrices
    assert all(v.values["pattern"] == (change if ":" in change else None) for v in found)


NEAR: dict[str, Callable[[nn.Module], nn.Module]] = {
    "dense": lambda layer: layer,
    "45 %": lambda layer: pruned(layer, 0.45),
    "a third of the rows": lambda layer: without_rows(layer, 1 / 3),
    "3:4": lambda layer: n_of_m(layer, 3, 4),
}
HEALTHY = [(i, change) for i in range(len(LAYERS)) for change in NEAR]


@pytest.mark.parametrize(("layer", "change"), HEALTHY)
def test_what_is_mostly_not_zero_passes(layer: int, change: str, tmp_path: Path) -> None:
    torch.manual_seed(layer)
    network = NEAR[change](LAYERS[layer]()).to(DTYPES[layer % 4])
    path = save_as(network.state_dict(), tmp_path, FORMATS[layer])
    (found,) = verdicts(path, REGISTRY, "sparse-stored-dense")
    assert found.outcome is Outcome.PASS, found.message
