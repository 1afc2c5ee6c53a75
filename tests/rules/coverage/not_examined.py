"""Cases of COV001."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected


def saved(content: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt")
        return folder / "model.pt"

    return write


MLP = torch.nn.Sequential(
    torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.Linear(5, 3)
).state_dict()


def quantised(folder: Path) -> Path:
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # deprecated, not gone
        tensor = torch.quantize_per_tensor(torch.ones(8, 8), 0.1, 0, torch.qint8)
        return saved({**MLP, "quantised": tensor})(folder)


def noted(message: str = "", **values: Any) -> tuple[Expected, ...]:
    return (Expected("fail", "information", "high", ("file", "model.pt"), values, message),)


CASES = (
    Case(
        "a plain chain is examined whole",
        saved(MLP),
        (
            Expected(
                "pass",
                target=("file", "model.pt"),
                values={
                    "tensors": 6,
                    "tensors_unexamined": 0,
                    "weights_outside_networks": 0,
                    "networks_missing": 0,
                },
            ),
        ),
    ),
    Case(
        "a network that could not be rebuilt is named with the reason",
        saved({"a.weight": torch.ones(8, 5), "b.weight": torch.ones(7, 3)}),
        (
            Expected(
                "pass",
                values={"networks_missing": 1, "weights_outside_networks": 0},
                message="no network could be rebuilt: ",
            ),
        ),
    ),
    Case(
        "the share of layers in a network is named where it is not all of them",
        saved(
            {f"generator.{name}": tensor for name, tensor in MLP.items()}
            | {f"discriminator.{name}.weight": torch.ones(9, n) for name, n in (("a", 5), ("b", 7))}
        ),
        (
            Expected(
                "pass",
                values={"layers": 5, "layers_placed": 3, "weights_outside_networks": 2},
                message="3 of 5 layers in a network (60%; not discriminator.",
            ),
        ),
    ),
    Case(
        "tensors that torch cannot compute with are counted and named",
        quantised,
        noted("quantised: ", tensors_unexamined=1),
    ),
)
