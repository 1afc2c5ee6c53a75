"""How units of a hidden layer share the classes: analog, redundant and sparse codes.

    python -m benchmarks.papers.coding [--out FILE] [--seeds N]

Claims (van Meegen and Sompolinsky, Coding schemes in neural networks learning classification tasks,
arXiv 2406.16689): wide networks that learn features answer by an analog code where they are linear,
by a redundant one with sigmoidal units, by a sparse one with ReLU; those that do not learn features
have none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from benchmarks.papers.networks import told
from benchmarks.papers.writing import ranged, write

UNITS, LENGTH, EXAMPLES, CLASSES = 200, 120, 60, 3
STEPS, RATE, TEMPERATURE = 15_000, 5e-4, 0.1

Pair = tuple[Tensor, Tensor]
"""Weights of the hidden layer (UNITS, LENGTH) and of the read-out (CLASSES, UNITS)."""

ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], Callable[[Tensor], Tensor]]] = {
    "linear": (nn.Identity, torch.ones_like),
    "sigmoidal": (nn.Sigmoid, lambda h: h * (1 - h)),
    "ReLU": (nn.ReLU, lambda h: (h > 0).float()),
}
"""What a unit does, and its slope by its answer."""


def task(seed: int) -> tuple[Tensor, Tensor]:
    """Orthogonal random inputs (EXAMPLES, LENGTH) of norm √LENGTH, and random classes."""
    generator = torch.Generator().manual_seed(seed)
    square = torch.randn(LENGTH, EXAMPLES, generator=generator)
    return torch.linalg.qr(square).Q.T * LENGTH**0.5, torch.arange(EXAMPLES) % CLASSES


def sampled(name: str, seed: int, learns_features: bool) -> Pair:
    """Weights from the posterior of the squared error under a normal prior, by Langevin steps.

    With the read-out over UNITS, and the temperature too, features are learned; with the read-out
    over √UNITS they stay as they are drawn.
    """
    make, slope = ACTIVATIONS[name]
    activation, (inputs, classes) = make(), task(seed)
    inputs, wanted = inputs / LENGTH**0.5, torch.eye(CLASSES)[classes]
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(UNITS, LENGTH, generator=generator)
    out = torch.randn(CLASSES, UNITS, generator=generator)
    scale = 1 / UNITS if learns_features else UNITS**-0.5
    force = scale / TEMPERATURE * (UNITS if learns_features else 1)
    for _ in range(STEPS):
        answers = activation(inputs @ hidden.T)
        errors = (scale * answers @ out.T - wanted) * force
        back = ((errors @ out) * slope(answers)).T @ inputs
        out = _moved(out, errors.T @ answers, generator)
        hidden = _moved(hidden, back, generator)
    return hidden / LENGTH**0.5, scale * out


def _moved(weight: Tensor, gradient: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(weight.shape, generator=generator)
    return weight - RATE * (gradient + weight) + (2 * RATE) ** 0.5 * noise


def stored(name: str, weights: Pair) -> nn.Sequential:
    """The same as layers that a file would hold."""
    model = nn.Sequential(
        nn.Linear(LENGTH, UNITS, bias=False),
        ACTIVATIONS[name][0](),
        nn.Linear(UNITS, CLASSES, bias=False),
    )
    model.load_state_dict({"0.weight": weights[0], "2.weight": weights[1]})
    return model


@torch.no_grad()
def measured(model: nn.Sequential, seed: int) -> tuple[float, ...]:
    """Accuracy, kurtosis and participation ratio, as the report tells them."""
    inputs, classes = task(seed)
    answers = model[1](model[0](inputs))
    means = torch.stack([answers[classes == which].mean(0) for which in range(CLASSES)])
    centred = means - means.mean(1, keepdim=True)
    kurtosis = (centred**4).mean(1) / (centred**2).mean(1) ** 2 - 3
    told_apart = means.var(0) * model[2].weight.square().sum(0)
    carrying = told_apart.sum() ** 2 / (told_apart**2).sum() / UNITS
    right = (model(inputs).argmax(1) == classes).float().mean()
    return float(right), float(kurtosis.mean()), float(carrying)


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Codes of hidden layers"
    yield ""
    yield (
        f"`python -m benchmarks.papers.coding`: {UNITS} units, {EXAMPLES} orthogonal random inputs"
        f" of {CLASSES} random classes, weights sampled from the posterior by {STEPS:,} Langevin"
        f" steps at a temperature of {TEMPERATURE}; {seeds} seeds, ranges over them. *Read-out*:"
        " weights over the number of units learn features, over its root they do not. *Kurtosis*:"
        " excess, over the units, of their mean answers to a class: 0 where answers are spread"
        " normally (analog), below 0 where units are either on or off (redundant), far above where"
        " few stand out (sparse). *Carrying*: participation ratio of the units by answers that"
        " differ from class to class times weights of the read-out. *NEU006*: participation ratio"
        " of the flow, of which below .05 is shown."
    )
    yield ""
    yield "| units | read-out | accuracy | kurtosis | carrying | NEU006 |"
    yield "|---|---|---|---|---|---|"
    for learns_features in (True, False):
        for name in ACTIVATIONS:
            rows = [_row(name, seed, learns_features) for seed in range(seeds)]
            cells = [ranged(column) for column in zip(*rows, strict=True)]
            over = "over n" if learns_features else "over √n"
            yield f"| {name} | {over} | {' | '.join(cells)} |"


def _row(name: str, seed: int, learns_features: bool) -> tuple[float, ...]:
    model = stored(name, sampled(name, seed, learns_features))
    (verdict,) = told(model, torch.zeros(1, LENGTH), "NEU006")
    return *measured(model, seed), float(verdict.values["participation"])


if __name__ == "__main__":
    write("coding", __doc__, report, 3)
