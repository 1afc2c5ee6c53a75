"""Do the ways to clusterable networks work? n-cut, its null, z and accuracy of each.

    python benchmarks/promote.py --seeds 3 --mnist-seeds 2

trains the networks of `promoting`, tests each with `modlint check --select CLU001` and writes
benchmarks/results/promote.md and .json. Every step is kept in benchmarks/cache/, so an interrupted
run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from promoting import KINDS, Recipe, Trained, train

HERE = Path(__file__).resolve().parent
CACHE, RESULTS = HERE / "cache", HERE / "results"
VALUES = ("ncut", "null_mean", "null_std", "z_score", "spectral_sum")

ELSEWHERE: dict[tuple[str, str], tuple[tuple[str, tuple[float | None, ...]], ...]] = {
    ("7x7", "control"): (
        ("published", (0.957, 10.02, None, None)),
        ("independent", (0.955, 10.03, 10.04, -0.4)),
    ),
    ("7x7", "normalised"): (("independent", (0.957, 9.76, 9.78, None)),),
    ("7x7", "regularised"): (
        ("published", (0.959, 8.93, 8.14, 2.7)),
        ("independent", (0.957, 9.67, 8.61, 6.0)),
    ),
    ("mnist", "control"): (("published", (0.980, 10.02, 10.17, -4.5)),),
    ("mnist", "clusterable-init"): (
        ("published", (None, 8.72, 10.07, -43.8)),
        ("independent", (0.978, 8.707, 10.045, -41.0)),
    ),
}
"""Accuracy, n-cut, null mean and z: published in arXiv 2103.03386, or measured independently."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A trained network and what CLU001 measures of it."""

    recipe: Recipe
    trained: Trained
    values: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description="measure the ways to clusterable networks")
    parser.add_argument("--seeds", type=int, default=3, help="small networks (default 3)")
    parser.add_argument("--mnist-seeds", type=int, default=2, help="large networks (default 2)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1)")
    shared = HERE.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder of mnist.npz")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    CACHE.mkdir(exist_ok=True)
    seeds = {"7x7": options.seeds, "mnist": options.mnist_seeds}
    networks = [
        _measure(Recipe(experiment, kind, seed), options.data)
        for experiment, kinds in KINDS.items()
        for seed in range(seeds[experiment])
        for kind in kinds
    ]
    table = "\n".join(_table(networks)) + "\n"
    (RESULTS / "promote.md").write_text(table)
    (RESULTS / "promote.json").write_text(json.dumps(_records(networks), indent=1) + "\n")
    print(table)
    return 0


def _measure(recipe: Recipe, data: Path) -> Measured:
    print(f"{recipe.name} …", file=sys.stderr, flush=True)
    trained = train(recipe, data, CACHE)
    kept = CACHE / f"{recipe.name}.clu001.json"
    if not kept.is_file():
        kept.write_text(json.dumps(_check(trained.path)))
    return Measured(recipe, trained, json.loads(kept.read_text()))


def _check(path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "modlint", "check", "--isolated", "--select", "CLU001"]
    output = ["--output-format", "json", "--device", "cpu", str(path)]
    done = subprocess.run([*command, *output], capture_output=True, text=True, check=True)
    (verdict,) = json.loads(done.stdout)["files"][0]["verdicts"]
    return {name: verdict["values"][name] for name in VALUES}


def _records(networks: Sequence[Measured]) -> list[dict[str, Any]]:
    return [
        asdict(n.recipe)
        | {"accuracy": n.trained.accuracy, "training_seconds": n.trained.seconds}
        | {"excess": n.trained.excess}
        | n.values
        for n in networks
    ]


def _table(networks: Sequence[Measured]) -> Iterator[str]:
    header = ("network", "by", "accuracy", "n-cut", "null mean", "z", "z (range)", "S₁₂", "excess")
    yield _row(header)
    yield _row(["---"] * len(header))
    for experiment, kinds in KINDS.items():
        for kind in kinds:
            name = f"{experiment} {kind}"
            for source, figures in ELSEWHERE.get((experiment, kind), ()):
                yield _row([name, source, *_numbers(figures), "", "", ""])
            own = [
                n for n in networks if (n.recipe.experiment, n.recipe.kind) == (experiment, kind)
            ]
            yield _own_row(name, own)


def _own_row(name: str, own: Sequence[Measured]) -> str:
    mean = {value: statistics.fmean(n.values[value] for n in own) for value in VALUES}
    accuracy = statistics.fmean(n.trained.accuracy for n in own)
    scores = sorted(n.values["z_score"] for n in own)
    excesses = [n.trained.excess for n in own if n.trained.excess is not None]
    excess = f"{statistics.fmean(excesses):.3f}" if excesses else ""
    figures = (accuracy, mean["ncut"], mean["null_mean"], mean["z_score"])
    reach = f"{scores[0]:.1f} … {scores[-1]:.1f}"
    last = (reach, f"{mean['spectral_sum']:.3f}", excess)
    return _row([name, f"modlint, mean of {len(own)}", *_numbers(figures), *last])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _numbers(values: Sequence[float | None]) -> list[str]:
    formats = ("{:.4f}", "{:.3f}", "{:.3f}", "{:.1f}")
    pairs = zip(formats, values, strict=True)
    return ["" if value is None else form.format(value) for form, value in pairs]


if __name__ == "__main__":
    sys.exit(main())
