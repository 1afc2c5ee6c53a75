"""Networks whose blocks may fail: trained with failures and ways around them, they go on.

    python -m benchmarks.papers.failout [--out FILE] [--seeds N]

Claim (Yousefpour et al., ResiliNet: Failure-Resilient Inference in Distributed Neural Networks,
arXiv 2002.07386): a network that is spread over machines survives the failure of one if connections
skip it, and better so if failures are simulated in training, by leaving out whole blocks (failout).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.papers.networks import measured
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import ranged, write
from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.numerics.graph.flow_walk import FlowWalk

BLOCKS, STEPS = 4, 600


class Kind(NamedTuple):
    """How blocks are connected, and how often each is left out in training."""

    name: str
    skips: bool
    failures: float


KINDS = (
    Kind("plain", False, 0.0),
    Kind("failout, no skips", False, 0.1),
    Kind("skips", True, 0.0),
    Kind("skips, failout .1", True, 0.1),
    Kind("skips, failout .3", True, 0.3),
)


class Distributed(nn.Module):
    """Blocks of 64 ReLU units; with skips each reads the two before it, else the one."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.blocks = nn.ModuleList(nn.Linear(LENGTH, LENGTH) for _ in range(BLOCKS))
        self.head = nn.Linear(LENGTH, len(PERIODS))

    def forward(self, x: Tensor) -> Tensor:
        """Scores; in training each block is left out now and then."""
        before, last = None, x
        for block in self.blocks:
            out = functional.relu(block(self._read(before, last)))
            if self.training and torch.rand(()) < self.kind.failures:
                out = torch.zeros_like(out)
            before, last = last, out
        scores: Tensor = self.head(self._read(before, last))
        return scores

    def _read(self, before: Tensor | None, last: Tensor) -> Tensor:
        return last if before is None or not self.kind.skips else before + last

    def without(self, place: int) -> Distributed:
        """The same where the block of that place answers nothing but zeros."""
        failed = copy.deepcopy(self)
        for values in failed.blocks[place].parameters():
            values.data.zero_()
        return failed


class OutputFlow(NetworkAnalysis[float], frozen=True):
    """Logarithm of the flow that arrives at the outputs: the sum over all paths of |weights|."""

    name: ClassVar[str] = "output-flow"
    description: ClassVar[str] = "the flow that arrives at the outputs"

    def compute(self, network: Network, inputs: Inputs) -> float:
        """Walk forward."""
        walk = FlowWalk(network, inputs)
        walk.forward()
        (out,) = (walk.given[value.name] for value in network.values if value.is_output)
        return out.log + math.log(out.values.sum()) if out.values.any() else -math.inf


def surviving(model: Distributed) -> list[float]:
    """By block, the share of the output's flow that is left without it."""
    example = torch.zeros(1, LENGTH)
    whole = measured(model, example, OutputFlow())[1]
    parts = (measured(model.without(i), example, OutputFlow())[1] for i in range(BLOCKS))
    return [math.exp(part - whole) for part in parts]


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    test = sinusoids(2000, 10_000)
    yield "# Blocks that fail"
    yield ""
    yield (
        f"`python -m benchmarks.papers.failout`: {BLOCKS} blocks of {LENGTH} ReLU units on"
        f" {len(PERIODS)} classes of signals, {STEPS} steps; {seeds} seeds, ranges over them."
        " *Skips*: each block reads the sum of the two before it. *Failout*: each is left out in"
        " training with that probability. *Accuracy* with all blocks, and with each left out;"
        " *flow*: the share of the synaptic flow at the output that is left without that block."
    )
    yield ""
    blocks = " | ".join(f"{place} out: accuracy, flow" for place in range(1, BLOCKS + 1))
    yield f"| network | all | {blocks} |"
    yield f"|---|---|{'---|' * BLOCKS}"
    for kind in KINDS:
        rows, flows = list[list[float]](), list[list[float]]()
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = Distributed(kind)
            train(model.train(), sinusoids(4000, seed), STEPS)
            model.eval()
            failed = [accuracy(model.without(place), test) for place in range(BLOCKS)]
            rows.append([accuracy(model, test), *failed])
            flows.append(surviving(model))
        cells = [ranged(column) for column in zip(*rows, strict=True)]
        shares = [ranged(column) for column in zip(*flows, strict=True)]
        both = (f"{cell}, {share}" for cell, share in zip(cells[1:], shares, strict=True))
        yield f"| {kind.name} | {cells[0]} | {' | '.join(both)} |"


if __name__ == "__main__":
    write("failout", __doc__, report, 3)
