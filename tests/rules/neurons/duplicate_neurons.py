"""Cases of NEU005."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]
State = dict[str, torch.Tensor]


def layer(
    change: Callable[[State], object] = lambda _: None, units: int = 40, fan_in: int = 64
) -> Write:
    generator = torch.Generator().manual_seed(0)
    state = {
        "fc.weight": torch.randn(units, fan_in, generator=generator),
        "fc.bias": torch.randn(units, generator=generator),
    }
    change(state)
    return lambda folder: save_as(state, folder, "pt")


def copied(state: State) -> None:
    for name in state:
        state[name][[7, 30]] = state[name][3].clone()
        state[name][20] = 2 * state[name][11]


def another_bias(state: State) -> None:
    state["fc.weight"][7] = state["fc.weight"][3]
    state["fc.bias"][[3, 7]] = torch.tensor([3.0, -3.0])


def opposite(state: State) -> None:
    for name in state:
        state[name][7] = -state[name][3]


def constant(state: State) -> None:
    state["fc.weight"][:10] = 0
    state["fc.weight"][10:20] = 0.3


CASES = (
    Case(
        "different units pass", layer(), (Expected("pass", values={"units": 40, "duplicates": 0}),)
    ),
    Case(
        "copies, and a multiple",
        layer(copied),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("units", "fc.weight"),
                {"duplicates": 3, "units": 40, "groups": ((3, 7, 30), (11, 20))},
                "3, 7, 30; 11, 20",
            ),
        ),
    ),
    Case("the bias tells them apart", layer(another_bias), (Expected("pass"),)),
    Case("opposite units are none", layer(opposite), (Expected("pass"),)),
    Case("constant units are left out", layer(constant), (Expected("pass", values={"units": 20}),)),
    Case(
        "few weights in make no finding",
        layer(copied, fan_in=63),
        (Expected("not-applicable", message="no layer of units with 64 weights in or more"),),
    ),
    Case(
        "unless an option asks for them",
        layer(copied, fan_in=32),
        (Expected("fail", values={"duplicates": 3}),),
        {"min-fan-in": 32},
    ),
    Case(
        "a table of tokens is no layer",
        lambda folder: save_as({"lm_head.weight": torch.ones(80, 64)}, folder, "pt"),
        (Expected("not-applicable"),),
    ),
)
