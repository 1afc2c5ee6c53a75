"""What the eigenvalue penalty costs a training step: 784-256×4-10, MNIST, batches of 128.

    python benchmarks/penalty.py

trains one network, in turn a step without and a step with `ClusterabilityPenalty`, on one thread
and on two, and writes medians to benchmarks/results/penalty.md. Steps alternate, so that whatever
else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from modlint_train import ClusterabilityPenalty, clusterability_penalty
from torch import nn
from training import BATCH, SIZES, load

HERE = Path(__file__).resolve().parent
WEIGHT = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print and write."""
    parser = argparse.ArgumentParser(description="time a training step with and without")
    parser.add_argument("--pairs", type=int, default=400, help="pairs of steps (default 400)")
    shared = HERE.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder of mnist.npz")
    options = parser.parse_args(arguments)
    arrays = load(options.data, "mnist")
    lines = [
        "| threads | eigenvectors | without, ms | with, ms | ratio of medians | median ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for warm, count in ((True, options.pairs), (False, min(40, options.pairs))):
            lines.append(_row(threads, warm, list(_pairs(arrays, warm, count))))
    table = "\n".join(lines) + "\n"
    (HERE / "results" / "penalty.md").write_text(table)
    print(table)
    return 0


def _pairs(
    arrays: dict[str, torch.Tensor], warm: bool, count: int
) -> Iterator[tuple[float, float]]:
    """Seconds of a step without and of the next one with the penalty."""
    torch.manual_seed(0)
    layers = [layer for a, b in pairwise(SIZES) for layer in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    kept = ClusterabilityPenalty(model)
    batches = torch.randint(len(arrays["x_train"]), (2 * count + 20, BATCH))
    seconds = []
    for number, batch in enumerate(batches):
        start = time.perf_counter()
        optimiser.zero_grad()
        output = model(arrays["x_train"][batch])
        loss = nn.functional.cross_entropy(output, arrays["y_train"][batch])
        if number % 2:
            loss = loss + WEIGHT * (kept() if warm else clusterability_penalty(model))
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    steady = seconds[20:]
    yield from zip(steady[::2], steady[1::2], strict=True)


def _row(threads: int, warm: bool, pairs: Sequence[tuple[float, float]]) -> str:
    without, with_penalty = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(after / before for before, after in pairs)
    kind = "warm-started" if warm else "exact, network inferred anew"
    figures = f"{without * 1e3:.2f} | {with_penalty * 1e3:.2f} | {with_penalty / without:.2f}"
    return f"| {threads} | {kind} | {figures} | {ratio:.2f} |"


if __name__ == "__main__":
    sys.exit(main())
