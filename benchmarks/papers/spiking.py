"""Spiking networks between an affine encoder and decoder: how far outputs move, at most.

    python -m benchmarks.papers.spiking [--out FILE] [--seeds N]

Claim (Neuman, Dold and Petersen, Stable Learning Using Spiking Neural Networks Equipped With Affine
Encoders and Decoders, arXiv 2404.04549): with positive weights alone, outputs depend continuously
on the parameters, and depth hardly harms. Needs snnTorch for what NEU010 says of its networks.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

import modlint
from benchmarks.papers.networks import told
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import ranged, write

UNITS, STEPS, LATEST = 32, 400, 10.0
DEPTHS, POINTS = (1, 3), (50, 500)
TIMES, THRESHOLDS = 25, (1.0, 4.0, 8.0, 16.0, 32.0)


class Spikes(nn.Module):
    """Neurons that fire once, when their potential Σ w (t − t_in)₊ reaches 1."""

    def __init__(self, inputs: int, positive: bool) -> None:
        super().__init__()
        self.positive = positive
        drawn = torch.rand(UNITS, inputs) if positive else torch.randn(UNITS, inputs) + 0.5
        self.weight = nn.Parameter(drawn * 4 / inputs)

    def forward(self, times: Tensor) -> Tensor:
        """From times of spikes (number, inputs) those of the neurons; LATEST where none comes."""
        weight = self.weight.abs() if self.positive else self.weight
        times, order = times.sort(1)
        weights = weight[:, order].transpose(0, 1)
        slopes = weights.cumsum(2)
        crossed = (1 + (weights * times[:, None]).cumsum(2)) / torch.where(slopes > 0, slopes, 1.0)
        following = torch.cat([times[:, 1:], torch.full_like(times[:, :1], LATEST)], 1)
        reached = (slopes > 0) & (crossed >= times[:, None]) & (crossed <= following[:, None])
        first = reached.float().argmax(2, keepdim=True)
        fired = crossed.gather(2, first)[..., 0]
        return torch.where(reached.any(2), fired, LATEST)


def network(depth: int, positive: bool) -> nn.Sequential:
    """An affine encoder, layers of spikes, an affine decoder."""
    layers = [Spikes(UNITS, positive) for _ in range(depth)]
    decoder = nn.Linear(UNITS, len(PERIODS))
    decoder.weight.data *= 10
    return nn.Sequential(nn.Linear(LENGTH, UNITS), *layers, decoder)


def bound(model: nn.Sequential) -> float:
    """Of the largest change of an output over that of an input, whatever the depth.

    A neuron of positive weights fires by no more later than its inputs do.
    """
    norms = [float(model[place].weight.detach().abs().sum(1).max()) for place in (0, -1)]
    return norms[0] * norms[1]


def stretched(model: nn.Sequential, signals: Tensor) -> float:
    """The most that was found, of Jacobians at signals."""
    slopes = torch.func.vmap(torch.func.jacrev(lambda one: model(one[None])[0]))(signals)
    return float(slopes.detach().abs().sum(2).max())


@torch.no_grad()
def jump(model: nn.Sequential, signals: Tensor, points: int) -> float:
    """The largest change of an output between neighbours of so many on a line of parameters."""
    generator = torch.Generator().manual_seed(0)
    start = [p.clone() for p in model.parameters()]
    ahead = [0.1 * p.abs().mean() * torch.randn(p.shape, generator=generator) for p in start]
    largest, before = 0.0, model(signals)
    for step in range(1, points + 1):
        for values, first, way in zip(model.parameters(), start, ahead, strict=True):
            values.copy_(first + step / points * way)
        after = model(signals)
        largest, before = max(largest, float((after - before).abs().max())), after
    for values, first in zip(model.parameters(), start, strict=True):
        values.copy_(first)
    return largest


def leaky(seed: int) -> nn.Module:
    """SnnTorch's leaky neurons in two layers behind an affine encoder, trained."""
    snn = importlib.import_module("snntorch")

    class Leaky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.lif1 = nn.Linear(LENGTH, UNITS), snn.Leaky(beta=0.5)
            self.fc2, self.lif2 = nn.Linear(UNITS, UNITS), snn.Leaky(beta=0.5)
            self.out = nn.Linear(UNITS, len(PERIODS))

        def spikes(self, x: Tensor) -> Tensor:
            """How often each neuron of the second layer fires."""
            first, second = self.lif1.init_leaky(), self.lif2.init_leaky()
            total = torch.zeros(len(x), UNITS)
            for _ in range(TIMES):
                one, first = self.lif1(self.fc1(x), first)
                two, second = self.lif2(self.fc2(one), second)
                total = total + two
            return total

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.out(self.spikes(x) / TIMES)
            return scores

    torch.manual_seed(seed)
    model = Leaky()
    train(model, sinusoids(4000, seed), STEPS)
    return model


def silent(model: nn.Module, threshold: float) -> tuple[int, int, int]:
    """Neurons that NEU010 proves silent; silent ones on 2,000 signals; those proven that spike."""
    model.lif2.threshold.fill_(threshold)
    with torch.no_grad():
        quiet = model.spikes(sinusoids(2000, 10_000)[0]).sum(0) == 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        torch.save(model.state_dict(), path)
        report = modlint.check(path, select="NEU010", min_severity="information")
    verdicts = [v for file in report.files for v in file.verdicts if v.outcome.value == "fail"]
    named = [unit for v in verdicts for unit in v.target.units or ()]
    return len(named), int(quiet.sum()), sum(not quiet[unit] for unit in named)


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Spiking networks with affine encoders and decoders"
    yield ""
    yield (
        f"`python -m benchmarks.papers.spiking`: layers of {UNITS} neurons that fire once, {STEPS}"
        f" steps of training; {seeds} seeds, ranges over them. *Bound*: of the largest change of an"
        " output over that of the inputs, from encoder and decoder alone; *found*: the most of"
        f" Jacobians at 200 signals. *Jump*: the largest change of an output between neighbours of"
        f" {POINTS[0]:,}, and of {POINTS[1]:,}, networks on a line of parameters."
    )
    yield ""
    yield f"| weights | layers | accuracy | bound | found | jump of {POINTS[0]:,} | {POINTS[1]:,} |"
    yield "|---|---|---|---|---|---|---|"
    for positive in (True, False):
        for depth in DEPTHS:
            rows = [_row(depth, positive, seed) for seed in range(seeds)]
            cells = [ranged(column, ".3g") for column in zip(*rows, strict=True)]
            if not positive:
                cells[1] = "–"
            yield f"| {'positive' if positive else 'any'} | {depth} | {' | '.join(cells)} |"
    yield ""
    yield "Of a network with positive weights, as a program and as a file of its parameters:"
    yield ""
    model = network(2, True)
    for code in ("SPC004", "NEU010"):
        yield from (f"- {code}: {v.message}" for v in told(model, torch.zeros(1, LENGTH), code))
    yield from (f"- SPC004, parameters alone: {message}" for message in by_names(model))
    yield ""
    yield (
        f"Two layers of {UNITS} of snnTorch's leaky neurons, {STEPS} steps of training; the"
        " threshold of the second is raised. Sums over the seeds:"
    )
    yield ""
    yield "| threshold | NEU010 proves silent | silent on 2,000 signals | proven, and not silent |"
    yield "|---|---|---|---|"
    models = [leaky(seed) for seed in range(seeds)]
    for threshold in THRESHOLDS:
        sums = [sum(c) for c in zip(*(silent(m, threshold) for m in models), strict=True)]
        yield f"| {threshold:g} | {' | '.join(f'{n} of {UNITS * seeds}' for n in sums)} |"


def _row(depth: int, positive: bool, seed: int) -> tuple[float, ...]:
    torch.manual_seed(seed)
    model, test = network(depth, positive), sinusoids(1000, 10_000)
    train(model, sinusoids(4000, seed), STEPS)
    jumps = [jump(model, test[0][:100], points) for points in POINTS]
    return accuracy(model, test), bound(model), stretched(model, test[0][:200]), *jumps


def by_names(model: nn.Module) -> Iterator[str]:
    """What SPC004 says where only parameters and their names are known."""
    state = model.state_dict()
    report = modlint.check(state, select="SPC004", deep=True, min_severity="information")
    yield from (verdict.message for file in report.files for verdict in file.verdicts)


if __name__ == "__main__":
    write("spiking", __doc__, report, 2)
