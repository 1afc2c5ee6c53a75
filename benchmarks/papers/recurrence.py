"""What the spectral radius of a recurrent weight does to states and gradients.

    python -m benchmarks.papers.recurrence [--out FILE] [--seeds N]

Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (arXiv
1211.5063), section 2: gradients of a layer without gates vanish where the spectral radius is below
1, and can explode only where it is above; then states saturate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

import modlint
from benchmarks.papers.writing import write

UNITS, DELAY, STEPS = 48, 30, 400
RADII = (0.5, 0.9, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 5.0)
"""Of the recurrent weight before training."""


class Recall(nn.Module):
    """A tanh layer without gates, and a read-out of its last state."""

    def __init__(self, radius: float) -> None:
        super().__init__()
        self.rnn, self.head = nn.RNN(2, UNITS, batch_first=True), nn.Linear(UNITS, 2)
        with torch.no_grad():
            weight = self.rnn.weight_hh_l0
            nn.init.normal_(weight)
            weight *= radius / torch.linalg.eigvals(weight).abs().max()

    def forward(self, x: Tensor) -> Tensor:
        """Of sequences (number, steps, 2), (number, 2)."""
        states, _ = self.rnn(x)
        scores: Tensor = self.head(states[:, -1])
        return scores


def sequences(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """A sign at the first step, noise after it."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, 2, (number,), generator=generator)
    x = torch.zeros(number, DELAY, 2)
    x[:, 0, 0] = 2.0 * classes - 1
    x[:, :, 1] = 0.3 * torch.randn(number, DELAY, generator=generator)
    return x, classes


def growth(model: Recall, x: Tensor) -> float:
    """log10 of how much a small difference of states grows over the whole sequence, mean."""
    weight, bias = model.rnn.weight_hh_l0.double(), model.rnn.bias_hh_l0.double()
    inner = x.double() @ model.rnn.weight_ih_l0.double().T + model.rnn.bias_ih_l0.double()
    h = torch.zeros(len(x), UNITS, dtype=torch.float64)
    product = torch.eye(UNITS, dtype=torch.float64).expand(len(x), -1, -1)
    total = torch.zeros(len(x), dtype=torch.float64)
    for step in range(DELAY):
        h = torch.tanh(inner[:, step] + h @ weight.T + bias)
        product = (1 - h**2)[:, :, None] * (weight @ product)
        norms = torch.linalg.matrix_norm(product, 2)
        product, total = product / norms[:, None, None], total + norms.log10()
    return float(total.mean())


def saturated(model: Recall, x: Tensor) -> float:
    """Share of units whose last state is beyond .99."""
    states, _ = model.rnn(x)
    return float((states[:, -1].abs() > 0.99).float().mean())


def trained(model: Recall, seed: int) -> float:
    """Accuracy after training by Adam, gradients clipped at 1."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(STEPS):
        x, classes = sequences(64, 10_000 * seed + step)
        loss = functional.cross_entropy(model(x), classes)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    with torch.no_grad():
        x, classes = sequences(2000, 999_999_999)
        return float((model(x).argmax(1) == classes).float().mean())


def told(model: Recall) -> tuple[float, bool]:
    """The radius that SPC007 measures, and whether it is a finding."""
    report = modlint.check(model, select="SPC007", deep=True)
    (verdict,) = [v for file in report.files for v in file.verdicts]
    return float(verdict.values["radius"]), verdict.outcome.value == "fail"


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Spectral radius of recurrent weights"
    yield ""
    yield (
        f"`python -m benchmarks.papers.recurrence`: {UNITS} tanh units without gates that recall"
        f" the sign of their first input after {DELAY} steps of noise; {seeds} seeds, ranges over"
        " them. *Growth*: log10 of how much a small difference of states grows over the steps;"
        f" *saturated*: share of units beyond .99; both before training. *Accuracy* after {STEPS}"
        " steps of Adam with clipped gradients, and the *radius after* them."
    )
    yield ""
    yield "| radius | growth | saturated | accuracy | radius after | SPC007 before, after |"
    yield "|---|---|---|---|---|---|"
    x, _ = sequences(64, 123)
    for radius in RADII:
        rows, before, after = [], 0, 0
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = Recall(radius)
            before += told(model)[1]
            with torch.no_grad():
                measured = growth(model, x), saturated(model, x)
            score = trained(model, seed)
            last, found = told(model)
            after += found
            rows.append((*measured, score, last))
        cells = [_range(column) for column in zip(*rows, strict=True)]
        yield f"| {radius:g} | {' | '.join(cells)} | {before}, {after} of {seeds} |"


def _range(values: Sequence[float]) -> str:
    assert all(math.isfinite(value) for value in values)
    low, high = (f"{value:.2f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


if __name__ == "__main__":
    write("recurrence", __doc__, report, 3)
