"""Cases of TRN002."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from torch import nn

Write = Callable[[Path], Path]


def net(train: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3))
    if train:
        optimiser = torch.optim.Adam(network.parameters(), 0.1)
        for _ in range(3):
            network(torch.rand(4, 3, 8, 8)).square().mean().backward()
            optimiser.step()
    return network


def saved(state: object) -> Write:
    def write(folder: Path) -> Path:
        torch.save(state, folder / "model.pt")
        return folder / "model.pt"

    return write


def changed(**tensors: torch.Tensor) -> Write:
    return saved(net().state_dict() | {f"1.{name}": tensor for name, tensor in tensors.items()})


FRESH = {"running_mean": torch.zeros(8), "running_var": torch.ones(8)}
NONE = {"num_batches_tracked": torch.tensor(0)}
BELOW = torch.tensor([1.0, -0.01, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0])


def exported(mean: torch.Tensor, variance: torch.Tensor) -> Write:
    def write(folder: Path) -> Path:
        network = net()
        network[1].running_mean[:], network[1].running_var[:] = mean, variance
        torch.onnx.export(
            network.eval(),
            (torch.ones(1, 3, 8, 8),),
            str(folder / "model.onnx"),
            dynamo=False,
            do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE,
        )
        return folder / "model.onnx"

    return write


def failing(severity: str, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", severity, "high", ("tensor", "1.running_var"), {}, message),)


CASES = (
    Case("trained statistics pass", saved(net().state_dict()), (Expected("pass"),)),
    Case("a fresh network passes", saved(net(train=False).state_dict()), (Expected("pass"),)),
    Case(
        "only parameters were loaded",
        changed(**FRESH, **NONE),
        failing("warning", "its scale γ differs"),
    ),
    Case("batches were tracked", changed(**FRESH, weight=torch.ones(8)), failing("warning", "3 b")),
    Case("a variance below 0", changed(running_var=BELOW), failing("error", "-0.01")),
    Case(
        "a variance that is no number",
        changed(running_var=torch.full((8,), torch.nan)),
        failing("error", "8 channels of 8 not finite"),
    ),
    Case(
        "a variance of 0 is a dead channel",
        changed(running_var=BELOW.clamp(min=0)),
        (Expected("pass"),),
    ),
    Case("a conversion tracked no batches", changed(**NONE), (Expected("pass"),)),
    Case(
        "γ as a GAN draws it beside β 0 is no training",
        changed(**FRESH, **NONE, weight=torch.linspace(0.97, 1.03, 8), bias=torch.zeros(8)),
        (Expected("pass"),),
    ),
    Case(
        "a file without batch norms",
        saved({"fc.weight": torch.ones(3, 3)}),
        (Expected("not-applicable", message="no batch norm's statistics"),),
    ),
    Case(
        "an average of parameters alone",
        saved(
            {
                "model": net().state_dict(),
                "ema": net().state_dict() | {f"1.{name}": tensor for name, tensor in FRESH.items()},
            }
        ),
        (Expected("fail", "warning", target=("tensor", "ema.1.running_var")),),
    ),
)
