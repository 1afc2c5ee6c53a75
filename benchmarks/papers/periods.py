"""Long kernels of one-dimensional convolutions and the periods of what they are trained on.

    python -m benchmarks.papers.periods [--out FILE] [--seeds N]

Corbetta and de Jong, How neural networks learn to classify chaotic time series (arXiv 2306.02300):
networks of large kernels tell chaotic from regular series by periods, and those of low accuracy
resemble untrained ones. Here: the period at which the kernels have most power, as `modlint spectra`
measures it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.papers.signals import LENGTH, accuracy, train
from benchmarks.papers.writing import write
from modlint.analysis.spectra import TensorSpectrum
from modlint.results.spectra import Kernels

KERNEL, CHANNELS = 32, 8
PLANTED = (3.0, 4.0, 5.0, 6.5, 8.0, 11.0, 16.0)
STEPS, SERIES_LENGTH = 300, 256
REGULAR = ((2.9, 1), (3.2, 2), (3.5, 4), (3.55, 8), (3.83, 3))
"""Parameters of the logistic map, and their periods."""
CHAOTIC = (3.7, 3.8, 3.9, 3.95, 4.0)


class LargeKernels(nn.Module):
    """Long kernels, their mean response, and two classes."""

    def __init__(self, layers: int = 1) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(CHANNELS if layer else 1, CHANNELS, KERNEL) for layer in range(layers)
        )
        self.head = nn.Linear(CHANNELS, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Of signals (number, samples), (number, 2)."""
        x = x[:, None]
        for convolution in self.convolutions:
            x = convolution(x).relu()
        scores: Tensor = self.head(x.mean(2))
        return scores


def tone_or_noise(number: int, period: float, seed: int) -> tuple[Tensor, Tensor]:
    """Noise, or a sinusoid of a random phase in it, of the same variance."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, 2, (number,), generator=generator)
    phases = 2 * math.pi * torch.rand(number, 1, generator=generator)
    tones = math.sqrt(2) * torch.sin(2 * math.pi * torch.arange(LENGTH) / period + phases)
    noise = torch.randn(number, LENGTH, generator=generator)
    mixed = (tones + noise) / math.sqrt(2)
    return torch.where(classes[:, None] == 1, mixed, noise), classes


def logistic(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Series x ← r x (1 − x), regular (0) or chaotic (1), in a little noise; of variance 1."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, 2, (number,), generator=generator)
    which = torch.randint(0, len(CHAOTIC), (number,), generator=generator)
    parameters = torch.tensor([[r for r, _ in REGULAR], CHAOTIC])
    r, x = parameters[classes, which], torch.rand(number, generator=generator)
    series = []
    for step in range(200 + SERIES_LENGTH):
        x = r * x * (1 - x)
        if step >= 200:
            series.append(x)
    values = torch.stack(series, 1)
    values = values + 0.02 * torch.randn(values.shape, generator=generator)
    values = (values - values.mean(1, keepdim=True)) / values.std(1, keepdim=True)
    return values, classes


def kernels(model: LargeKernels) -> Kernels:
    """What is measured of the first convolution."""
    weight = model.convolutions[0].get_parameter("weight").detach().numpy()
    found = TensorSpectrum(bulk=False).of_array(weight, 2.0**-23).kernels
    assert found is not None
    return found


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Periods of kernels"
    yield ""
    yield (
        f"`python -m benchmarks.papers.periods`: {CHANNELS} kernels of {KERNEL} positions, {seeds}"
        " seeds. *Period* is where the kernels together have most power; *share* is the largest"
        " share of their power at one frequency, *flatness* the geometric mean of the powers over"
        " the arithmetic one."
    )
    yield ""
    yield "## A tone in noise"
    yield ""
    yield "| period planted | accuracy | period found | share | flatness |"
    yield "|---|---|---|---|---|"
    for period in PLANTED:
        found, scores = [], []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = LargeKernels()
            train(model, tone_or_noise(4000, period, seed), STEPS)
            scores.append(accuracy(model, tone_or_noise(2000, period, 10_000)))
            found.append(kernels(model))
        yield f"| {period:g} | {min(scores):.2f} to {max(scores):.2f} | {_measured(found)} |"
    yield f"| untrained | | {_measured(_untrained(seeds * len(PLANTED)))} |"
    yield ""
    yield "## Regular or chaotic"
    yield ""
    yield (
        f"{SERIES_LENGTH} values of the logistic map, fixed points and cycles of 2, 3, 4 and 8"
        " against five chaotic parameters, two convolutions."
    )
    yield ""
    yield "| network | accuracy | period found | share | flatness |"
    yield "|---|---|---|---|---|"
    test = logistic(2000, 10_000)
    for name, steps, rate in (
        ("untrained", 0, 1e-3),
        ("trained badly: 5 steps", 5, 1e-3),
        (f"trained: {STEPS} steps", STEPS, 1e-3),
    ):
        found, scores = [], []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = LargeKernels(2)
            train(model, logistic(4000, seed), steps, rate)
            scores.append(accuracy(model, test))
            found.append(kernels(model))
        yield f"| {name} | {min(scores):.2f} to {max(scores):.2f} | {_measured(found)} |"


def _untrained(number: int) -> list[Kernels]:
    found = []
    for seed in range(number):
        torch.manual_seed(1000 + seed)
        found.append(kernels(LargeKernels()))
    return found


def _measured(found: list[Kernels]) -> str:
    periods = sorted(each.period for each in found)
    shares = [each.share for each in found]
    flat = [each.flatness for each in found]
    shown = ", ".join(f"{p:.1f}" for p in periods)
    if len(periods) > 8:
        shown = f"{periods[0]:.1f} to {periods[-1]:.1f}, median {periods[len(periods) // 2]:.1f}"
    return f"{shown} | {min(shares):.2f} to {max(shares):.2f} | {min(flat):.2f} to {max(flat):.2f}"


if __name__ == "__main__":
    write("periods", __doc__, report, 5)
