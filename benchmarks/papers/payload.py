"""A payload in the low bits of a trained network's weights: what it costs, and what is found.

    python -m benchmarks.papers.payload [--out FILE] [--seeds N]

Claim (Wang, Liu and Cui, EvilModel: Hiding Malware Inside of Neural Network Models, arXiv
2107.08590): the three low bytes of every weight can be replaced by other data, and the network
answers nearly as before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import modlint
from benchmarks.papers.networks import perceptron
from benchmarks.papers.signals import LENGTH, PERIODS, accuracy, sinusoids, train
from benchmarks.papers.writing import write

BITS = (24, 23, 22, 21, 20, 19, 18, 16, 8)
State = dict[str, Tensor]


class Kind(NamedTuple):
    """Units of a layer, and how the network is trained."""

    width: int
    steps: int
    decay: float


KINDS = Kind(128, 300, 0.0), Kind(128, 2000, 0.3), Kind(256, 300, 0.0), Kind(512, 300, 0.0)


def network(width: int) -> nn.Sequential:
    """Three hidden layers; two square weights of width × width carry the payload."""
    return perceptron(LENGTH, width, width, width, len(PERIODS))


def hidden(state: State, bits: int, share: float, seed: int) -> State:
    """The low bits of the first share of each square weight replaced by encrypted data."""
    random, written = np.random.default_rng(seed), {}
    for name, values in state.items():
        codes = values.numpy().copy()
        if values.dim() == 2 and values.shape[0] == values.shape[1]:
            flat = codes.reshape(-1).view(np.uint32)[: round(share * values.numel())]
            payload = random.integers(0, 1 << bits, len(flat), dtype=np.uint32)
            flat[:] = (flat >> bits << bits) | payload
        written[name] = torch.from_numpy(codes)
    return written


def found(state: State) -> int:
    """How many weights STG001 finds."""
    report = modlint.check(state, select="STG001")
    return _failed(report, "STG001")


def found_beside(original: State, state: State) -> int:
    """How many weights STG003 finds with the original as the reference."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "original.pt", Path(folder) / "model.pt"
        for path, what in zip(paths, (original, state), strict=True):
            torch.save(what, path)
        report = modlint.check(paths[1], select="STG003", baseline_model=str(paths[0]))
    return _failed(report, "STG003")


def _failed(report: modlint.Report, code: str) -> int:
    verdicts = [v for file in report.files for v in file.verdicts]
    return sum(v.rule == code and v.outcome.value == "fail" for v in verdicts)


def report(seeds: int) -> Iterator[str]:
    """The results, as Markdown."""
    yield "# Payloads in mantissas"
    yield ""
    yield (
        f"`python -m benchmarks.papers.payload`: networks of {len(PERIODS)} classes of signals,"
        " whose two square weights have low bits of each float32 replaced by random data;"
        f" {seeds} seeds of each. In each cell: the least accuracy; weights that STG001 finds, and"
        " that STG003 does with the network as it was as `--baseline-model`, of"
        f" {2 * seeds}."
    )
    models = {kind: [_trained(kind, seed) for seed in range(seeds)] for kind in KINDS}
    yield ""
    yield f"| low bits | share of elements | {' | '.join(map(_header, KINDS))} |"
    yield f"|---|---|{'---|' * len(KINDS)}"
    yield _row("none", "–", models, 0, 0.0)
    for bits in BITS:
        yield _row(str(bits), "all", models, bits, 1.0)
    yield _row("23", "three quarters", models, 23, 0.75)
    yield _row("23", "half", models, 23, 0.5)


def _trained(kind: Kind, seed: int) -> State:
    torch.manual_seed(seed)
    model = network(kind.width)
    train(model, sinusoids(4000, seed), kind.steps, decay=kind.decay)
    return {name: values.detach().clone() for name, values in model.state_dict().items()}


def _header(kind: Kind) -> str:
    decay = f", decay {kind.decay:g}" if kind.decay else ""
    return f"{kind.width} × {kind.width}, {kind.steps:,} steps{decay}"


def _row(name: str, share: str, models: dict[Kind, list[State]], bits: int, part: float) -> str:
    cells = []
    for kind, states in models.items():
        scores, alone, beside = list[float](), 0, 0
        for seed, original in enumerate(states):
            state = hidden(original, bits, part, seed)
            scores.append(_accuracy(kind.width, state))
            alone += found(state)
            beside += found_beside(original, state)
        cells.append(f"{min(scores):.3f}; {alone}, {beside}")
    return f"| {name} | {share} | {' | '.join(cells)} |"


def _accuracy(width: int, state: State) -> float:
    model = network(width)
    model.load_state_dict(state)
    return accuracy(model, sinusoids(2000, 10_000))


if __name__ == "__main__":
    write("payload", __doc__, report, 3)
