"""Cases of CLU007."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from hand_built import faded, planted_weights, random_weights, rescaled
from rule_cases import Case, Expected

SIZES = (100, 80, 80, 80, 10)
PLANTED = planted_weights(0, 10, *SIZES)


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    """A state_dict of linear layers."""

    def write(folder: Path) -> Path:
        torch.save({f"{i}.weight": weight for i, weight in enumerate(weights)}, folder / "m.pt")
        return folder / "m.pt"

    return write


def strong_and_weak() -> list[torch.Tensor]:
    """Independent weights of units that are strong or weak: their shuffles have other clusters."""
    weights = random_weights(0, *SIZES)
    factors = [torch.randn(size, generator=torch.Generator().manual_seed(size)) for size in SIZES]
    return [
        weight * factors[i + 1].exp()[:, None] * factors[i].exp()
        for i, weight in enumerate(weights)
    ]


def with_nan() -> list[torch.Tensor]:
    return [torch.full((8, 5), math.nan), torch.ones(6, 8)]


def with_idle_inputs() -> list[torch.Tensor]:
    weights = faded(PLANTED, 0.1, 1e-8)
    weights[0][:, :3] = 0
    return weights


CASES = (
    Case(
        "planted modules",
        written(PLANTED),
        (
            Expected(
                "pass",
                target=("network", "0"),
                values={
                    "clusters": 8,
                    "p_value": 0.01,
                    "shuffles": 99,
                    "bin_size": 4,
                    "seed": 0,
                    "neurons": sum(SIZES),
                    "isolated_units": 0,
                    "negligible": 0,
                    "exchangeable": 240,
                },
                message="modules beyond unit strengths: S_k is 7.8% below that after like units",
            ),
        ),
    ),
    Case(
        "the same function, its units rescaled",
        written(rescaled(PLANTED, 5.0)),
        (Expected("pass", values={"clusters": 8, "p_value": 0.01}, message="S_k is 7.8% below"),),
    ),
    Case(
        "independent weights",
        written(random_weights(0, *SIZES)),
        (Expected("fail", "information", message="no modules beyond unit strengths"),),
    ),
    Case(
        "strong and weak units",
        written(strong_and_weak()),
        (Expected("fail", "information", message="no modules beyond unit strengths"),),
    ),
    Case(
        "units of no use are left out, and told",
        written(with_idle_inputs()),
        (
            Expected(
                "pass",
                values={"isolated_units": 3, "negligible": 24},
                message="; left out: 3 without weights, 24 without flow)",
            ),
        ),
    ),
    Case(
        "two networks side by side",
        written([torch.block_diag(w, w) for w in random_weights(0, 50, 40, 40, 10)]),
        (Expected("pass", values={"clusters": 2}, message="S_k is 100.0% below"),),
    ),
    Case(
        "modules that are too weak for the limit",
        written(PLANTED),
        (Expected("fail", message="only weak modules beyond unit strengths"),),
        {"min-effect": 0.5},
    ),
    Case(
        "the numbers of clusters are an option",
        written(PLANTED),
        (Expected("pass", values={"clusters": 5}),),
        {"clusters": [5]},
    ),
    Case(
        "too few exchanges for max-p",
        written(PLANTED),
        (Expected("inconclusive", message="set shuffles to 99 or more"),),
        {"max-p": 0.01, "shuffles": 50},
    ),
    Case(
        "too few neurons",
        written(random_weights(0, 4, 3, 1)),
        (Expected("inconclusive", message="8 connected neurons are too few"),),
    ),
    Case(
        "nine neurons are enough",
        written(random_weights(0, 4, 4, 1)),
        (Expected("fail"),),
    ),
    Case(
        "too many connections",
        written(PLANTED),
        (Expected("inconclusive", message="check --config rules.no-modules.max-connections="),),
        {"max-connections": 8499},
    ),
    Case(
        "NaN",
        written(with_nan()),
        (Expected("inconclusive", message="'0.weight' holds NaN or infinity"),),
    ),
    Case(
        "no hidden units",
        lambda folder: _one_layer(folder),
        (Expected("not-applicable", message="no network of the file has hidden units"),),
    ),
    Case(
        "no network",
        lambda folder: _embedding(folder),
        (Expected("not-applicable", target=("file", "m.pt")),),
    ),
)


def _one_layer(folder: Path) -> Path:
    return written(random_weights(0, 20, 10))(folder)


def _embedding(folder: Path) -> Path:
    torch.save({"table": torch.randn(30, 4)}, folder / "m.pt")
    return folder / "m.pt"
