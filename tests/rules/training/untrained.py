"""Cases of TRN001."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as
from torch import nn

Write = Callable[[Path], Path]
State = dict[str, torch.Tensor]


def mlp(seed: int = 0) -> State:
    torch.manual_seed(seed)
    return nn.Sequential(*(nn.Linear(96, 96) for _ in range(4))).state_dict()


def moved(state: State) -> State:
    """As a training leaves weights: a direction that all rows share, and longer tails."""
    torch.manual_seed(1)
    made = {}
    for name, tensor in state.items():
        shared = torch.randn(len(tensor), 1) @ torch.randn(1, tensor.shape[-1])
        change = 0.3 * shared.reshape(-1)[: tensor.numel()].reshape(tensor.shape)
        made[name] = tensor + tensor.std() * (change + 0.3 * torch.randn(tensor.shape) ** 3)
    return made


def saved(*states: State, container: str = "pt") -> Write:
    whole = {name: tensor for state in states for name, tensor in state.items()}
    return lambda folder: save_as(whole, folder, container)


def sections(folder: Path) -> Path:
    """A trained model beside an average of its weights that was never updated."""
    torch.save({"model": moved(mlp()), "ema": mlp()}, folder / "model.pt")
    return folder / "model.pt"


def normal(bias: torch.Tensor) -> State:
    """A normal weight beside a bias."""
    torch.manual_seed(0)
    return {"head.weight": 0.02 * torch.randn(160, 128), "head.bias": bias}


CASES = (
    Case(
        "a trained network passes",
        saved(moved(mlp())),
        (Expected("pass", values={"weights": 4, "untrained": 0}),),
    ),
    Case(
        "a network as initialised is one finding",
        saved(mlp()),
        (
            Expected(
                "fail",
                "warning",
                "medium",
                ("file", "model.pt"),
                {"untrained": 4, "weights": 4, "share": 1.0},
                "the network was not trained",
            ),
        ),
    ),
    Case(
        "an average that was never updated",
        sections,
        (Expected("fail", target=("file", "ema"), values={"untrained": 4}),),
    ),
    Case(
        "one layer that was never trained",
        saved(moved(mlp()), {"3.weight": mlp()["3.weight"]}),
        (
            Expected(
                "fail",
                "warning",
                "medium",
                ("tensor", "3.weight"),
                {"initialiser": "uniform"},
                "uniform within ±0.102",
            ),
        ),
    ),
    Case(
        "a normal head beside a bias of zeros",
        saved(moved(mlp()), normal(torch.zeros(160))),
        (Expected("fail", target=("tensor", "head.weight"), values={"initialiser": "normal"}),),
    ),
    Case(
        "a bias that was trained speaks for its weight",
        saved(moved(mlp()), normal(0.1 * torch.randn(160))),
        (Expected("pass", values={"weights": 5}),),
    ),
    Case(
        "matrices that are drawn once on purpose are not judged",
        saved({"attn.projection_matrix": mlp()["0.weight"]}),
        (Expected("not-applicable"),),
    ),
    Case(
        "small weights are not judged",
        saved(nn.Linear(60, 60).state_dict()),
        (Expected("not-applicable", message="4,096 elements"),),
    ),
    Case(
        "a direction that stands out is a trace of training",
        saved({"w.weight": torch.randn(200, 200) + 0.25 * torch.ones(200, 1)}),
        (Expected("pass"),),
        {"min-p-normal": 1e-9},
    ),
)
