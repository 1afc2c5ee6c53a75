"""Lipschitz bounds: above the power iteration on every layer, and above every gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from planted import exported
from torch import Tensor, nn
from torch.autograd.functional import jvp, vjp

from modlint.analysis.spectra import LipschitzBound
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.results.spectra import Lipschitz

REGISTRY = load_registry()
SINGLE = 1 + 1e-5
"""Room for the rounding of power iterations in single precision."""
Make = Callable[[], nn.Module]


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        return torch.relu(x + self.norm(self.second(x)))


def trained(module: nn.Module) -> nn.Module:
    """With norms whose statistics and scales are their own, and larger weights."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d):
            part.running_var.uniform_(0.2, 2.0)
            nn.init.uniform_(part.weight, -1.5, 1.5)
        elif hasattr(part, "weight"):
            with torch.no_grad():
                part.weight *= 2
    return module.eval()


NETWORKS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "linear": (lambda: nn.Sequential(nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 5)), (12,)),
    "gelu": (lambda: nn.Sequential(nn.Linear(12, 30), nn.GELU(), nn.Linear(30, 5)), (12,)),
    "batch norm": (
        lambda: nn.Sequential(nn.Linear(12, 20), nn.BatchNorm1d(20), nn.Tanh(), nn.Linear(20, 4)),
        (12,),
    ),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 5, stride=2)
        ),
        (3, 16, 16),
    ),
    "groups": (
        lambda: nn.Sequential(nn.Conv2d(4, 8, 3, groups=4, padding=1), nn.ReLU(),
                              nn.Conv2d(8, 4, 1)),
        (4, 10, 10),
    ),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 4, stride=2), nn.ReLU(),
                                         nn.Conv2d(6, 2, 2)), (4, 6, 6)),
    "one dimension": (lambda: nn.Sequential(nn.Conv1d(4, 8, 7), nn.SiLU(), nn.Conv1d(8, 3, 4)),
                      (4, 40)),
    "residual": (Residual, (3, 12, 12)),
}  # fmt: skip


def bound_of(module: nn.Module, shape: tuple[int, ...], folder: Path) -> Lipschitz:
    path = exported(module, torch.zeros(1, *shape), dynamo=False)(folder)
    checkpoint = load_whole(path, REGISTRY.readers)
    built = build_networks(checkpoint, REGISTRY.builders, [])
    file = FileExamination(checkpoint, built, "cpu", lambda *_: None, [])
    found = file.result(LipschitzBound(), file.networks[0])
    assert isinstance(found, Lipschitz)
    return found


def steepest(module: nn.Module, shape: tuple[int, ...], steps: int = 30) -> float:
    """The largest norm of a Jacobian that power iterations from random inputs find."""
    largest = 0.0
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(1, *shape, generator=generator) * 3
        v = torch.randn(1, *shape, generator=generator)
        for _ in range(steps):
            _, forward = jvp(module, x, v / v.norm())
            largest = max(largest, float(forward.norm()))
            _, v = vjp(module, x, forward)
            if not float(v.norm()):
                break
    return largest


@pytest.mark.parametrize("name", NETWORKS)
def test_no_gradient_is_above_the_bound(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    module = trained(make())
    found = bound_of(module, shape, tmp_path)
    steep = steepest(module, shape)
    assert steep <= 10**found.log_bound * SINGLE
    assert len(found.layers) == sum(hasattr(m, "kernel_size") or isinstance(m, nn.Linear)
                                    for m in module.modules())  # fmt: skip


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize(("rows", "columns"), [(3, 8), (16, 16), (40, 12)])
def test_a_convolution_is_bounded_tightly_from_above(
    kernel: int, rows: int, columns: int, tmp_path: Path
) -> None:
    torch.manual_seed(kernel)
    layer = nn.Conv2d(columns, rows, kernel, padding=kernel - 1, bias=False)
    (found,) = bound_of(layer, (columns, 20, 20), tmp_path).layers
    steep = steepest(layer, (columns, 20, 20), 100)
    unfolded = float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))
    assert steep <= found.bound * SINGLE
    assert found.bound <= 1.2 * steep
    assert found.bound <= kernel * unfolded * (1 + 1e-9)


def test_a_linear_layer_is_its_largest_singular_value(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(50, 70)
    found = bound_of(layer, (50,), tmp_path)
    exact = float(torch.linalg.matrix_norm(layer.weight.detach().double(), 2))
    assert exact <= found.layers[0].bound <= exact * (1 + 1e-6)
    assert found.log_bound == pytest.approx(math.log10(exact), abs=1e-6)
