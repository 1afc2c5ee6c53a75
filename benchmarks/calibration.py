"""Are the p-values of CLU001 uniform where there is nothing to find?

    python benchmarks/calibration.py

Tests networks whose weights are independent (normal, uniform, sparse) in three architectures, and
multilayer perceptrons of which 90 and 95 % of the weights are zero, with both methods under both
nulls, and compares each set of p-values with the uniform distribution
(Kolmogorov-Smirnov). A p-value of 49 shuffles is one of 50 steps; within its step it is drawn at
random, which makes it exactly uniform under the null hypothesis.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from scipy import stats

from modlint.analysis.clustering import ClusterTest, Partition

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from hand_built import HandInputs, convolutional, random_chain, residual  # noqa: E402

ARCHITECTURES: dict[str, Callable[[int], HandInputs]] = {
    "mlp": lambda seed: random_chain(seed, 40, 30, 30, 30, 10),
    "cnn": lambda seed: convolutional(seed, 3, 30, 40, 30, outputs=10),
    "residual": lambda seed: residual(seed, 30, 30, 10),
}
WEIGHTS: dict[str, Callable[[torch.Tensor, torch.Generator], torch.Tensor]] = {
    "normal": lambda like, g: torch.randn(like.shape, generator=g),
    "uniform": lambda like, g: torch.rand(like.shape, generator=g) * 2 - 1,
    "sparse": lambda like, g: _sparse(like, g, 0.7),
}
VERY_SPARSE = (0.9, 0.95)
WIDE = (100, 80, 80, 80, 10)
NULLS = ("layer", "layer-nonzero")
STEPS = 50
CLUSTERS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Test, then print and write the table; the exit code is 1 where a p-value is not uniform."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", type=int, default=300, help="how many (default 300)")
    count = parser.parse_args(arguments).networks
    lines = [
        f"{count} networks of independent weights, {STEPS - 1} shuffles, k = {CLUSTERS}",
        "",
        "| zeros | null | method | share with p ≤ .05 | mean p | KS distance | KS p |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    worst = 1.0
    p_values: dict[str, list[float]] = {}
    for zeros, null in product((None, *VERY_SPARSE), NULLS):
        pairs = [_p_values(*_drawn(number, zeros), number, null) for number in range(count)]
        for method, ps in zip(("filan2021", "spectral"), zip(*pairs, strict=True), strict=True):
            ks = stats.kstest(ps, "uniform")
            small = sum(p <= 0.05 for p in ps) / count
            told = "a third of them 70 %" if zeros is None else f"{zeros:.0%}"
            cells = (told, null, method, f"{small:.3f}", f"{sum(ps) / count:.3f}")
            lines.append(f"| {' | '.join(cells)} | {ks.statistic:.3f} | {ks.pvalue:.3f} |")
            worst = min(worst, ks.pvalue)
            p_values[f"{told} {null} {method}"] = [round(p, 4) for p in ps]
    table = "\n".join(lines) + "\n"
    (HERE / "results" / "calibration.md").write_text(table)
    (HERE / "results" / "calibration.json").write_text(json.dumps(p_values) + "\n")
    print(table)
    return int(worst <= 0.01)


def _drawn(number: int, zeros: float | None) -> tuple[HandInputs, dict[str, torch.Tensor]]:
    """A network and its weights."""
    generator = torch.Generator().manual_seed(number)
    if zeros is not None:
        inputs = random_chain(number, *WIDE)
        return inputs, {n: _sparse(t, generator, zeros) for n, t in inputs.tensors.items()}
    inputs = list(ARCHITECTURES.values())[number % 3](number)
    draw = list(WEIGHTS.values())[number // 3 % 3]
    return inputs, {name: draw(tensor, generator) for name, tensor in inputs.tensors.items()}


def _sparse(like: torch.Tensor, g: torch.Generator, zeros: float) -> torch.Tensor:
    return torch.randn(like.shape, generator=g) * (torch.rand(like.shape, generator=g) >= zeros)


def _p_values(
    inputs: HandInputs, tensors: dict[str, torch.Tensor], number: int, null: str
) -> tuple[float, float]:
    """Of one network: by n-cut, and by the spectral sum, of the same shuffles."""
    spec = ClusterTest(Partition(CLUSTERS, seed=number), shuffles=STEPS - 1, null=null)  # type: ignore[arg-type]
    found = spec.compute(inputs.network, replace(inputs, tensors=tensors, results={}))
    within = random.Random(number).random()
    return found.p_value - within / STEPS, found.spectral.p_value - within / STEPS


if __name__ == "__main__":
    sys.exit(main())
