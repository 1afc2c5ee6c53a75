"""Networks that are trained to stretch little, and how near the bound is to what they do.

    python -m benchmarks.papers.lipschitz [--out FILE] [--seeds N]

Claims: the product of the layers' largest singular values bounds how much a network stretches its
inputs, and a penalty on it keeps accuracy while the network answers changed inputs as before
(Araujo et al., arXiv 2006.08391; Miyato et al., Spectral Normalization, arXiv 1802.05957).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.func import jacrev, vmap
from torch.nn import functional
from torch.nn.utils import parametrizations

import modlint
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids
from benchmarks.papers.writing import write

STEPS, CLIMBS, STARTS = 600, 40, 32
PENALTIES = (0.0, 0.01, 0.1, 0.3)
NORMS = (0.5, 1.0, 2.0)
"""Of the changes of inputs: their own norm is about 10."""

Data = tuple[Tensor, Tensor]


def perceptron() -> nn.Sequential:
    """Three hidden layers of 64 units."""
    hidden = [part for _ in range(3) for part in (nn.Linear(LENGTH, LENGTH), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(LENGTH, len(PERIODS)))


def normalised() -> nn.Sequential:
    """The same, every weight divided by its largest singular value, the head's output scaled."""
    model = perceptron()
    for part in model:
        if isinstance(part, nn.Linear):
            parametrizations.spectral_norm(part, n_power_iterations=3)
    return model


def train(model: nn.Sequential, data: Data, penalty: float, scale: float) -> None:
    """Adam, cross-entropy of scaled outputs, and a penalty on Σ log σ_max."""
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    signals, classes = data
    for _ in range(STEPS):
        batch = torch.randint(0, len(signals), (128,), generator=generator)
        loss = functional.cross_entropy(scale * model(signals[batch]), classes[batch])
        if penalty:
            weights = [part.weight for part in model if isinstance(part, nn.Linear)]
            norms = [torch.linalg.matrix_norm(weight, 2) for weight in weights]
            loss = loss + penalty * torch.stack(norms).log().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def plain(model: nn.Sequential) -> nn.Sequential:
    """With weights as a file has them."""
    for part in model:
        if isinstance(part, nn.Linear) and hasattr(part, "parametrizations"):
            nn.utils.parametrize.remove_parametrizations(part, "weight")
    return model.eval()


def bound(model: nn.Sequential) -> float:
    """What SPC004 tells."""
    report = modlint.check(model, select="SPC004", deep=True, min_severity="information")
    (verdict,) = [v for file in report.files for v in file.verdicts]
    return float(verdict.values["bound"])


def stretched(model: nn.Sequential, inputs: Tensor) -> float:
    """The largest singular value of a Jacobian, by climbing from some inputs."""
    x = inputs[:STARTS].clone().requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.1)
    largest = 0.0
    for _ in range(CLIMBS):
        jacobians = vmap(jacrev(lambda one: model(one[None])[0]))(x)
        norms = torch.linalg.matrix_norm(jacobians, 2)
        largest = max(largest, float(norms.detach().max()))
        optimiser.zero_grad()
        (-norms.sum()).backward()
        optimiser.step()
    return largest


def attacked(model: nn.Sequential, data: Data, norm: float) -> float:
    """Accuracy after 20 steps of projected gradient ascent within a ball."""
    signals, classes = data[0][:500], data[1][:500]
    change = torch.zeros_like(signals, requires_grad=True)
    for _ in range(20):
        loss = functional.cross_entropy(model(signals + change), classes)
        (slope,) = torch.autograd.grad(loss, change)
        with torch.no_grad():
            change += 0.25 * norm * functional.normalize(slope)
            change *= (norm / change.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp(max=1)
    return accuracy(model, ((signals + change).detach(), classes))


def certified(model: nn.Sequential, data: Data, norm: float, limit: float) -> float:
    """Share of inputs that no change of a norm can lead astray, by the bound."""
    with torch.no_grad():
        best = model(data[0]).topk(2)
    margins = best.values[:, 0] - best.values[:, 1]
    right = best.indices[:, 0] == data[1]
    # two outputs differ by at most √2 times what the output moves
    return float((right & (margins > 2**0.5 * limit * norm)).float().mean())


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Bounds of what a network stretches"
    yield ""
    yield (
        f"`python -m benchmarks.papers.lipschitz`: three hidden layers of {LENGTH} ReLU units,"
        f" {len(PERIODS)} classes of signals of norm about 10, {seeds} seeds, ranges over them."
        " *Bound* is SPC004's, *found* the largest singular value of a Jacobian that climbing from"
        f" {STARTS} inputs found; *attacked* is the accuracy after changes of norm"
        f" {', '.join(map(str, NORMS))} by projected gradients, *certain* what the bound alone"
        f" proves at {NORMS[0]}."
    )
    yield ""
    yield "| training | accuracy | bound | found | bound / found | attacked | certain |"
    yield "|---|---|---|---|---|---|---|"
    for penalty in PENALTIES:
        yield _row(f"penalty {penalty:g}" if penalty else "plain", seeds, penalty)
    yield _row("spectral normalisation", seeds, None)


def _row(name: str, seeds: int, penalty: float | None) -> str:
    test, rows = sinusoids(2000, 10_000), []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = normalised() if penalty is None else perceptron()
        train(model, sinusoids(4000, seed), penalty or 0.0, 10.0 if penalty is None else 1.0)
        model = plain(model)
        limit, found = bound(model), stretched(model, test[0])
        under = [attacked(model, test, norm) for norm in NORMS]
        sure = certified(model, test, NORMS[0], limit)
        rows.append((accuracy(model, test), limit, found, limit / found, *under, sure))
    columns = list(zip(*rows, strict=True))
    cells = [_range(column) for column in columns]
    attacks = ", ".join(cells[4 : 4 + len(NORMS)])
    return f"| {name} | {' | '.join(cells[:4])} | {attacks} | {cells[-1]} |"


def _range(values: Sequence[float]) -> str:
    low, high = (f"{value:.3g}" for value in (min(values), max(values)))
    return low if low == high else f"{low}–{high}"


if __name__ == "__main__":
    write("lipschitz", __doc__, report, 3)
