"""Cases of FMT004."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rule_cases import Case, Expected


def saved(make: Callable[[torch.nn.Module], object]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(make(torch.nn.Linear(4, 2)), folder / "model.pt")
        return folder / "model.pt"

    return write


def trained(net: torch.nn.Module) -> object:
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 4)).sum().backward()
    optimiser.step()
    return {"model": net.state_dict(), "optimizer": optimiser.state_dict()}


def partly_shared(net: torch.nn.Module) -> object:
    state = net.state_dict()
    return {"model": state, "ema": state | {"bias": state["bias"].clone()}}


def with_environment(net: torch.nn.Module) -> object:
    generator = {"state": {"key": np.zeros(624, np.uint32), "pos": 624}}
    return {"model": net.state_dict(), "action_space": {"_np_random": generator}}


CASES = (
    Case(
        "the generator of an environment is no training state",
        saved(with_environment),
        (Expected("pass", message="3 tensors, none of training state"),),
    ),
    Case(
        "weights alone pass",
        saved(lambda net: net.state_dict()),
        (Expected("pass", target=("file", "model.pt"), values={"tensors": 0, "bytes": 0}),),
    ),
    Case(
        "an optimiser beside the weights",
        saved(trained),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("file", "model.pt"),
                {"tensors": 6, "bytes": 2 * 4 * 10 + 2 * 4, "share": 88 / 128},
                "are training state (optimizer",
            ),
        ),
    ),
    Case(
        "an averaged copy beside the weights",
        saved(lambda net: {"model": net.state_dict(), "ema": copy.deepcopy(net.state_dict())}),
        (Expected("fail", "note", values={"tensors": 2, "bytes": 40, "share": 0.5}),),
    ),
    Case(
        "an averaged copy that shares the weights' storages takes no bytes",
        saved(lambda net: {"model": net.state_dict(), "ema": net.state_dict()}),
        (Expected("pass", values={"tensors": 0, "bytes": 0}),),
    ),
    Case(
        "of an averaged copy that shares one storage the other is charged",
        saved(partly_shared),
        (Expected("fail", "note", values={"tensors": 1, "bytes": 8, "share": 8 / 48}),),
    ),
    Case(
        "averaged weights alone pass",
        saved(lambda net: {"ema": net.state_dict()}),
        (Expected("pass"),),
    ),
)
