"""Ensembles whose members teach one another, beside independent ones: how alike they become.

    python -m benchmarks.papers.ensembles --data FOLDER [--out FILE] [--seeds N]

Claim (Urbach and Schneidman, Semantic representations emerge in biologically inspired ensembles of
cross-supervising neural networks, arXiv 2510.14486): networks that each see a part of the input, or
another moment of it, and learn, without labels, to answer as the others do, find representations
that are decoded about as well as those of supervised ones. Agreement is redundancy; it is measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.papers.networks import perceptron
from benchmarks.papers.writing import ranged, write

SIDE, FIELD, PLACES = 28, 14, (4, 10)
MEMBERS, UNITS, CODES, CLASSES = 4, 64, 32, 10
STEPS, SHARPNESS = 1500, 3.0

Ensemble = list[nn.Sequential]
Data = tuple[Tensor, Tensor]


def digits(folder: Path) -> tuple[Data, Data, Data]:
    """Images (number, 28, 28) from 0 to 1 and their classes: to learn, to decode, to test."""
    held = np.load(folder / "mnist.npz")
    images, classes = (torch.from_numpy(held[name]) for name in ("x_train", "y_train"))
    images, classes = images.float() / 255, classes.long()
    parts = slice(0, 20_000), slice(20_000, 24_000), slice(24_000, 28_000)
    learn, decode, test = ((images[part], classes[part]) for part in parts)
    return learn, decode, test


def fields(images: Tensor) -> list[Tensor]:
    """What each member sees of each image: a square of its own, of FIELD × FIELD pixels."""
    corners = itertools.product(PLACES, PLACES)
    return [images[:, i : i + FIELD, j : j + FIELD].flatten(1) for i, j in corners]


def members(outputs: int) -> Ensemble:
    """Fresh ones, of two hidden layers each."""
    return [perceptron(FIELD * FIELD, UNITS, UNITS, outputs) for _ in range(MEMBERS)]


def batches(data: Data, seed: int) -> Iterator[tuple[list[Tensor], Tensor]]:
    """Fields and classes of 256 images, STEPS times."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        which = torch.randint(0, len(data[0]), (256,), generator=generator)
        yield fields(data[0][which]), data[1][which]


def cross_supervised(data: Data, seed: int) -> Ensemble:
    """Each learns to give the code that the others give, sharpened, and to use all codes."""
    ensemble = members(CODES)
    optimiser = torch.optim.Adam([p for member in ensemble for p in member.parameters()], lr=1e-3)
    for seen, _ in batches(data, seed):
        scores = torch.stack([m(x) for m, x in zip(ensemble, seen, strict=True)])
        codes = scores.softmax(-1)
        others = (codes.sum(0) - codes) / (MEMBERS - 1)
        aims = (others.detach() ** SHARPNESS) / (others.detach() ** SHARPNESS).sum(-1, keepdim=True)
        agreement = -(aims * scores.log_softmax(-1)).sum(-1).mean()
        use = codes.mean(1)
        loss = agreement + 2 * (use * use.log()).sum(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return ensemble


def independent(data: Data, seed: int) -> Ensemble:
    """Each learns the classes by itself."""
    ensemble = members(CLASSES)
    optimiser = torch.optim.Adam([p for member in ensemble for p in member.parameters()], lr=1e-3)
    for seen, classes in batches(data, seed):
        loss = sum(
            (functional.cross_entropy(m(x), classes) for m, x in zip(ensemble, seen, strict=True)),
            torch.zeros(()),
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return ensemble


def untrained(_: Data, __: int) -> Ensemble:
    """As they are drawn."""
    return members(CODES)


KINDS = {
    "cross-supervised, no labels": cross_supervised,
    "independent, with labels": independent,
    "untrained": untrained,
}


@torch.no_grad()
def hidden(ensemble: Ensemble, images: Tensor) -> list[Tensor]:
    """What the last hidden layer of each member answers."""
    return [m[:-1](x) for m, x in zip(ensemble, fields(images), strict=True)]


@torch.no_grad()
def outputs(ensemble: Ensemble, images: Tensor) -> list[Tensor]:
    """What each member answers, as probabilities."""
    return [m(x).softmax(-1) for m, x in zip(ensemble, fields(images), strict=True)]


def decoded(train: Tensor, classes: Tensor, test: Tensor, wanted: Tensor) -> float:
    """Accuracy of a ridge regression from answers to classes."""
    mean = train.mean(0)
    x, y = train - mean, functional.one_hot(classes, CLASSES).float()
    ridge = x.T @ x + 1e-2 * len(x) * torch.eye(x.shape[1])
    weight = torch.linalg.solve(ridge, x.T @ (y - y.mean(0)))
    return float((((test - mean) @ weight + y.mean(0)).argmax(1) == wanted).float().mean())


def alike(answers: list[Tensor]) -> float:
    """Linear centred kernel alignment of the answers, mean over pairs of members."""
    centred = [a - a.mean(0) for a in answers]
    pairs = itertools.combinations(centred, 2)
    shares = [(x.T @ y).norm() ** 2 / (x.T @ x).norm() / (y.T @ y).norm() for x, y in pairs]
    return float(torch.stack(shares).mean())


@torch.no_grad()
def matched(ensemble: Ensemble) -> float:
    """Mean absolute cosine of first-layer weights, units matched, mean over pairs of members."""
    rows = [functional.normalize(member[0].weight, dim=1) for member in ensemble]
    found = []
    for one, other in itertools.combinations(rows, 2):
        cosines = (one @ other.T).abs().numpy()
        found.append(cosines[linear_sum_assignment(-cosines)].mean())
    return float(sum(found) / len(found))


def report(seeds: int, folder: Path) -> Iterator[str]:
    """The results, as Markdown."""
    learn, decode, test = digits(folder)
    yield "# Members that teach one another"
    yield ""
    yield (
        f"`python -m benchmarks.papers.ensembles`: {MEMBERS} members see {FIELD} × {FIELD} pixels"
        f" of handwritten digits each (MNIST); two hidden layers of {UNITS} units, {STEPS:,} steps;"
        f" {seeds} seeds, ranges over them. Cross-supervised ones answer by one of {CODES} codes,"
        " as the others do, and never see a label. *Decoded*: accuracy of a linear read-out of the"
        " outputs, and of the last hidden layer, of single members (mean), and of all members'"
        " hidden layers. *Alike*: centred kernel alignment of members, of hidden layers and of"
        " outputs. *Weights*: absolute cosine of matched units of the first layers."
    )
    yield ""
    yield (
        "| ensemble | decoded, outputs | single hidden | all hidden | alike, hidden | outputs"
        " | weights |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, make in KINDS.items():
        rows = [_row(make(learn, _seeded(seed)), decode, test) for seed in range(seeds)]
        cells = [ranged(column) for column in zip(*rows, strict=True)]
        yield f"| {name} | {' | '.join(cells)} |"


def _seeded(seed: int) -> int:
    torch.manual_seed(seed)
    return seed


def _row(ensemble: Ensemble, decode: Data, test: Data) -> tuple[float, ...]:
    def single(answers: Callable[[Ensemble, Tensor], list[Tensor]]) -> float:
        both = zip(answers(ensemble, decode[0]), answers(ensemble, test[0]), strict=True)
        return sum(decoded(one, decode[1], other, test[1]) for one, other in both) / MEMBERS

    before, behind = (torch.cat(hidden(ensemble, part[0]), 1) for part in (decode, test))
    return (
        single(outputs),
        single(hidden),
        decoded(before, decode[1], behind, test[1]),
        alike(hidden(ensemble, test[0])),
        alike(outputs(ensemble, test[0])),
        matched(ensemble),
    )


if __name__ == "__main__":
    write("ensembles", __doc__, report, 3, needs_data=True)
