"""Cases of CLU001."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import planted_convolutions, planted_weights, random_weights
from rule_cases import Case, Expected

SIZES = (60, 50, 50, 50, 10)
QUICK = {"clusters": 10, "shuffles": 19}


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    """A state_dict of linear layers."""

    def write(folder: Path) -> Path:
        state: dict[str, torch.Tensor] = {}
        for i, weight in enumerate(weights):
            state |= {f"{i}.weight": weight, f"{i}.bias": torch.zeros(len(weight))}
        torch.save(state, folder / "model.pt")
        return folder / "model.pt"

    return write


def planted() -> list[torch.Tensor]:
    return planted_weights(0, 10, *SIZES)


def shuffled() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    orders = [torch.randperm(w.numel(), generator=generator) for w in planted()]
    return [w.flatten()[o].view_as(w) for w, o in zip(planted(), orders, strict=True)]


def worse() -> list[torch.Tensor]:
    """Strong weights along one line through the network: fewer clusters than chance leaves."""
    return [w.abs().sort(0).values.sort(1).values for w in random_weights(0, *SIZES)]


def _with_isolated_inputs() -> list[torch.Tensor]:
    weights = planted()
    weights[0][:, :3] = 0
    return weights


def with_nan() -> list[torch.Tensor]:
    weights = planted()
    weights[1][2, 3] = math.nan
    return weights


CASES = (
    Case(
        "planted modules",
        written(planted()),
        (
            Expected(
                "pass",
                target=("network", "0"),
                values={
                    "method": "filan2021",
                    "statistic": "ncut",
                    "null": "layer",
                    "clusters": 10,
                    "shuffles": 19,
                    "seed": 0,
                    "neurons": sum(SIZES),
                    "isolated_units": 0,
                    "p_value": 1 / 20,
                },
                message="form better clusters than those of shuffled weights",
            ),
        ),
        QUICK,
    ),
    Case(
        "planted modules, shuffled",
        written(shuffled()),
        (
            Expected(
                "fail",
                "information",
                target=("network", "0"),
                message="form no better clusters than those of shuffled weights",
            ),
        ),
        QUICK,
    ),
    Case(
        "max-z decides instead of p",
        written(planted()),
        (Expected("fail"),),
        QUICK | {"max-z": -1e6},
    ),
    Case(
        "a lenient max-z",
        written(worse()),
        (Expected("pass", message="no better clusters than those of shuffled weights, which"),),
        QUICK | {"max-z": 1e4},
    ),
    Case(
        "better, but by less than max-z asks for",
        written(planted()),
        (
            Expected(
                "fail",
                message="form better clusters than those of shuffled weights, but by less than"
                " max-z -1000 asks for",
            ),
        ),
        QUICK | {"max-z": -1000.0},
    ),
    Case(
        "max-z decides what few shuffles cannot by p",
        written(planted()),
        (Expected("pass", message="form better clusters than those of shuffled weights"),),
        {"clusters": 10, "shuffles": 9, "max-z": -2.0},
    ),
    Case(
        "neurons that nothing connects are told",
        written(_with_isolated_inputs()),
        (
            Expected(
                "pass",
                values={"isolated_units": 3},
                message="3 isolated neurons left out): its neurons form better clusters",
            ),
        ),
        QUICK,
    ),
    Case(
        "the severity is the user's, of an order that is guessed a note at most",
        written(shuffled()),
        (Expected("fail", "note", "low"),),
        QUICK | {"severity": "error"},
    ),
    Case(
        "non-zero null",
        written([w * (w.abs() > 0.1) for w in planted()]),
        (Expected("pass", values={"null": "layer-nonzero"}),),
        QUICK | {"null": "layer-nonzero"},
    ),
    Case(
        "the spectral sum of planted modules",
        written(planted()),
        (
            Expected(
                "pass",
                values={"method": "spectral", "statistic": "spectral_sum", "shuffles": 19},
                message="better clusters than those of shuffled weights",
            ),
        ),
        QUICK | {"method": "spectral"},
    ),
    Case(
        "a sequential test ends early where nothing is to be found",
        written(shuffled()),
        (Expected("fail", "information", values={"shuffles": 43}),),
        {"clusters": 10, "shuffles": 200, "method": "spectral"},
    ),
    Case(
        "worse than its shuffles",
        written(worse()),
        (
            Expected(
                "fail", "information", message="form worse clusters than those of shuffled weights"
            ),
        ),
        QUICK | {"max-p": 0.06},
    ),
    Case(
        "too few shuffles for max-p",
        written(planted()),
        (Expected("inconclusive", message="set shuffles to 99 or more"),),
        QUICK | {"max-p": 0.01},
    ),
    Case(
        "a spent budget",
        written(planted()),
        (Expected("inconclusive", message="of 19 shuffles: raise the rule's option"),),
        QUICK | {"budget": 1e-6},
    ),
    Case(
        "too few neurons",
        written(random_weights(0, 10, 8, 4)),
        (Expected("inconclusive", message="22 connected neurons are too few for 12 clusters"),),
    ),
    Case(
        "too many connections",
        written(planted()),
        (Expected("inconclusive", message="8,500 connections, more than the 8,499"),),
        {"max-connections": 8499},
    ),
    Case(
        "the limit is that of all networks of the file",
        lambda folder: _twice(folder),
        (
            Expected("pass", target=("network", "model")),
            Expected(
                "inconclusive",
                target=("network", "ema"),
                message="with the networks before it the graph has 17,000 connections",
            ),
        ),
        QUICK | {"max-connections": 8500},
    ),
    Case(
        "the convolutions alone",
        planted_convolutions,
        (
            Expected(
                "pass",
                "information",
                target=("network", "0"),
                values={"part": "convolutions", "neurons": 120, "isolated_units": 0},
                message="its neurons form better clusters than those of shuffled weights",
            ),
        ),
        QUICK | {"part": "convolutions"},
    ),
    Case(
        "the same whole",
        planted_convolutions,
        (Expected("pass", values={"part": "network", "neurons": 3 + 120 + 50 + 7}),),
        QUICK | {"part": "network"},
    ),
    Case(
        "no convolutions",
        written(planted()),
        (Expected("inconclusive", message="no convolution of it reads what a convolution makes"),),
        QUICK | {"part": "convolutions"},
    ),
    Case(
        "NaN",
        written(with_nan()),
        (Expected("inconclusive", message="'1.weight' holds NaN or infinity"),),
    ),
    Case(
        "no network",
        lambda folder: _embedding(folder),
        (Expected("not-applicable", target=("file", "model.pt")),),
    ),
)


def _twice(folder: Path) -> Path:
    state = torch.load(written(planted())(folder), weights_only=True)
    torch.save({"model": state, "ema": state}, folder / "model.pt")
    return folder / "model.pt"


def _embedding(folder: Path) -> Path:
    torch.save({"table": torch.randn(30, 4)}, folder / "model.pt")
    return folder / "model.pt"
