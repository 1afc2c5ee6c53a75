"""Cases of SPC007."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from planted import exported, safetensors_file, torch_file
from rule_cases import Case, Expected
from torch import nn

Write = Callable[[Path], Path]


def scaled(module: nn.Module, factor: float) -> nn.Module:
    """With recurrent weights that are so many times as large."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "weight_hh" in name:
                parameter *= factor
    return module


def plain(factor: float, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return scaled(nn.RNN(16, 32, **options), factor)  # type: ignore[arg-type]


def saved(module: nn.Module) -> Write:
    return torch_file(module.state_dict())


def rotation(factor: float) -> nn.Module:
    """A radius of exactly so much, of complex eigenvalues."""
    torch.manual_seed(0)
    module = nn.RNN(16, 32)
    with torch.no_grad():
        module.weight_hh_l0.copy_(factor * torch.linalg.qr(torch.randn(32, 32))[0])
    return module


def graph(module: nn.Module) -> Write:
    return exported(module, torch.zeros(4, 1, 16), dynamo=False)


CASES = (
    Case("as initialised", saved(plain(1)), (Expected("pass", values={"gates": 1, "units": 32}),)),
    Case("eight times as large", saved(plain(8)), (Expected("fail"),)),
    Case("a rotation that stretches by 2.6", saved(rotation(2.6)), (Expected("fail"),)),
    Case("a rotation that stretches by 2.4", saved(rotation(2.4)), (Expected("pass"),)),
    Case("in a graph", graph(plain(8)), (Expected("fail", "warning"),)),
    Case(
        "both directions",
        saved(plain(8, bidirectional=True)),
        (Expected("fail"), Expected("fail")),
    ),
    Case(
        "gates bound the state",
        safetensors_file(scaled(nn.LSTM(16, 32), 20).state_dict()),
        (Expected("pass", message="of its gates", values={"gates": 4}),),
    ),
    Case(
        "three gates",
        saved(scaled(nn.GRU(16, 32), 20)),
        (Expected("pass", values={"gates": 3}),),
    ),
    Case("a limit of its own", saved(plain(8)), (Expected("pass"),), {"max-radius": 20}),
    Case(
        "what is not finite",
        saved(plain(float("nan"))),
        (Expected("inconclusive", message="finite"),),
    ),
    Case(
        "no recurrent layer",
        exported(nn.Linear(8, 8), torch.zeros(1, 8), dynamo=False),
        (Expected("not-applicable", message="recurrent layer"),),
    ),
)
