"""Rank falls with depth, and never rises again.

    python -m benchmarks.papers.rank_by_depth [--out FILE] [--seeds N]

Claims of Feng et al., Rank Diminishing in Deep Neural Networks (arXiv 2206.06072): the rank of the
Jacobian, and the dimension of the features, never rise with depth; a narrow layer bounds all that
follows; where little rank is left, outputs of the last layer follow from a few others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import modlint
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import write

DEPTH, STEPS = 10, 600
SAMPLES = 64
SHARE = 0.99
CODES = ("SPC001", "SPC002", "SPC005")


class Kind(NamedTuple):
    """How a network is made and trained."""

    name: str
    activation: type[nn.Module]
    steps: int
    decay: float
    planted: int | None


KINDS = (
    Kind("tanh, as initialised", nn.Tanh, 0, 0.0, None),
    Kind("tanh, trained", nn.Tanh, STEPS, 0.0, None),
    Kind("ReLU, as initialised", nn.ReLU, 0, 0.0, None),
    Kind("ReLU, trained", nn.ReLU, STEPS, 0.0, None),
    Kind("ReLU, trained with decay", nn.ReLU, STEPS, 1.0, None),
    Kind("ReLU, trained, layer 5 of rank 6", nn.ReLU, STEPS, 0.0, 4),
)


def network(activation: type[nn.Module]) -> nn.Sequential:
    """Ten layers of 64 units, and a head."""
    layers: list[nn.Module] = []
    for _ in range(DEPTH):
        linear = nn.Linear(LENGTH, LENGTH)
        nn.init.kaiming_normal_(linear.weight)
        layers += [linear, activation()]
    return nn.Sequential(*layers, nn.Linear(LENGTH, len(PERIODS)))


def made(kind: Kind, seed: int) -> nn.Sequential:
    """A network of a kind, in double precision."""
    torch.manual_seed(seed)
    model = network(kind.activation)
    train(model, sinusoids(4000, seed), kind.steps, rate=1e-3, decay=kind.decay)
    model.double()
    if kind.planted is not None:
        with torch.no_grad():
            weight = model.get_submodule(str(2 * kind.planted)).get_parameter("weight")
            u, s, v = torch.linalg.svd(weight)
            weight.copy_((u[:, :6] * s[:6]) @ v[:6])
    return model


def jacobian_ranks(model: nn.Sequential, inputs: Tensor) -> np.ndarray[Any, Any]:
    """The rank of ∂(layer k)/∂(input) by depth and input, (depth + 1, inputs)."""
    jacobians = torch.eye(LENGTH, dtype=torch.float64).expand(len(inputs), -1, -1)
    x, ranks = inputs.double(), []
    for part in model:
        if isinstance(part, nn.Linear):
            jacobians = part.weight @ jacobians
            ranks.append(torch.linalg.matrix_rank(jacobians, rtol=1e-10).numpy())
        y = part(x)
        if isinstance(part, nn.ReLU):
            jacobians = (x > 0).double()[:, :, None] * jacobians
        elif isinstance(part, nn.Tanh):
            jacobians = (1 - y**2)[:, :, None] * jacobians
        x = y
    return np.array(ranks)


def feature_directions(model: nn.Sequential, inputs: Tensor) -> list[int]:
    """By depth, principal directions that hold 99 % of the features' variance."""
    x, found = inputs.double(), []
    for part in model:
        x = part(x)
        if isinstance(part, nn.Linear):
            values = torch.linalg.svdvals(x - x.mean(0)) ** 2
            found.append(int((values.cumsum(0) < SHARE * values.sum()).sum()) + 1)
    return found


def told(model: nn.Sequential) -> dict[str, str]:
    """What SPC001, SPC002 and SPC005 say of the network as a file of single precision."""
    report = modlint.check(model.float(), select=",".join(CODES), deep=True)
    verdicts = [v for file in report.files for v in file.verdicts]
    model.double()
    return {
        v.rule: v.target.name if v.outcome.value == "fail" else v.outcome.value for v in verdicts
    }


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Rank by depth"
    yield ""
    yield (
        f"`python -m benchmarks.papers.rank_by_depth`: {DEPTH} layers of {LENGTH} units and a head"
        f" of {len(PERIODS)}, {seeds} seeds. *Jacobian*: its rank (1e-10 of the largest singular"
        f" value, double precision) behind layers 1, 4, 7, 10 and the head, mean of {SAMPLES}"
        " inputs; *rises*: from one layer to the next; *features*: directions that hold"
        f" {SHARE:.0%} of the variance of 1,000 inputs there."
    )
    yield ""
    yield "| network | accuracy | Jacobian | rises | features | SPC001 | SPC002 | SPC005 |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in KINDS:
        yield _row(kind, seeds)


def _row(kind: Kind, seeds: int) -> str:
    test = sinusoids(1000, 10_000)
    scores, ranks, features, verdicts = [], [], [], []
    with torch.no_grad():
        for seed in range(seeds):
            with torch.enable_grad():
                model = made(kind, seed)
            scores.append(accuracy(model, (test[0].double(), test[1])))
            ranks.append(jacobian_ranks(model, test[0][:SAMPLES]))
            features.append(feature_directions(model, test[0]))
            verdicts.append(told(model))
    rises = sum(int((np.diff(each, axis=0) > 0).sum()) for each in ranks)
    steps = sum(each[1:].size for each in ranks)
    places = (0, 3, 6, DEPTH - 1, DEPTH)
    means = [f"{np.mean([each[place] for each in ranks]):.1f}" for place in places]
    directions = [f"{np.mean([each[place] for each in features]):.1f}" for place in places]
    rules = [
        _told([each.get(code, "") for each in verdicts]) for code in ("SPC001", "SPC002", "SPC005")
    ]
    return (
        f"| {kind.name} | {np.mean(scores):.2f} | {', '.join(means)} | {rises} of {steps:,} |"
        f" {', '.join(directions)} | {' | '.join(rules)} |"
    )


def _told(outcomes: list[str]) -> str:
    return "; ".join(f"{each} ({outcomes.count(each)})" for each in dict.fromkeys(outcomes))


if __name__ == "__main__":
    write("rank_by_depth", __doc__, report, 3)
