"""Reproduces rows of the published table: n-cut against shuffles, on MNIST and Fashion-MNIST.

    python benchmarks/reproduce.py --seeds 2

trains each network, tests it with scikit-learn and with `modlint check`, and prints both beside
the published figures (Filan et al., arXiv 2103.03386, table 1). Every step is kept in
benchmarks/cache/, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reference import Measured, measure
from training import Recipe, Trained, train

HERE = Path(__file__).resolve().parent
CACHE, RESULTS = HERE / "cache", HERE / "results"
SHUFFLES = 50

# dataset, dropout: accuracy, n-cut, null mean, null standard deviation, z; means over 5 networks
PUBLISHED: dict[tuple[str, float], tuple[float | None, float, float, float | None, float]] = {
    ("mnist", 0.0): (0.980, 10.02, 10.17, 0.035, -4.5),
    ("mnist", 0.5): (None, 9.97, 10.30, 0.11, -3.0),
    ("fashion_mnist", 0.0): (0.891, 9.89, 10.08, 0.04, -5.4),
    ("fashion_mnist", 0.5): (None, 9.70, 10.05, None, -10.7),
}
FIELDS = ("accuracy", "ncut", "null_mean", "null_std", "z_score", "cpu_seconds")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, then print and write the table."""
    options = _parser().parse_args(arguments)
    CACHE.mkdir(exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    networks = [
        _network(Recipe(dataset, dropout, seed), options.data)
        for dataset, dropout in PUBLISHED
        for seed in range(options.seeds)
    ]
    (RESULTS / "reproduce.json").write_text(json.dumps(networks, indent=1) + "\n")
    table = _table(networks)
    (RESULTS / "reproduce.md").write_text(table)
    print(table)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="reproduce the published n-cuts")
    parser.add_argument("--seeds", type=int, default=2, help="networks per row (default 2)")
    parser.add_argument(
        "--data",
        type=Path,
        default=HERE.parents[1] / "shared" / "data",
        help="folder of mnist.npz and fashion_mnist.npz (default ../shared/data)",
    )
    return parser


def _network(recipe: Recipe, data: Path) -> dict[str, Any]:
    """Train and test one network, by both programs."""
    print(f"{recipe.name} …", file=sys.stderr, flush=True)
    trained = train(recipe, data, CACHE)
    theirs = _kept(f"{recipe.name}.scikit-learn", lambda: asdict(measure(trained.path, SHUFFLES)))
    ours = _kept(f"{recipe.name}.modlint", lambda: asdict(_check(trained)))
    return {
        "dataset": recipe.dataset,
        "dropout": recipe.dropout,
        "seed": recipe.seed,
        "accuracy": trained.accuracy,
        "training_seconds": trained.seconds,
        "scikit-learn": theirs,
        "modlint": ours,
    }


def _kept(name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A step's result from the cache, or computed and kept there."""
    path = CACHE / f"{name}.json"
    if not path.is_file():
        path.write_text(json.dumps(compute()))
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept


def _check(trained: Trained) -> Measured:
    """The test by `modlint check`, in a process of its own; its start-up counts too."""
    command = [sys.executable, "-m", "modlint", "check", "--isolated", "--select", "CLU001"]
    settings = ["--config", f"rules.not-clusterable.shuffles={SHUFFLES}", "--device", "cpu"]
    output = ["--output-format", "json", str(trained.path)]
    before = _children_seconds()
    run = subprocess.run([*command, *settings, *output], capture_output=True, text=True, check=True)
    used = _children_seconds() - before
    report = json.loads(run.stdout)
    (verdict,) = report["files"][0]["verdicts"]
    values = verdict["values"]
    names = ("ncut", "null_mean", "null_std", "z_score")
    return Measured(*(values[name] for name in names), cpu_seconds=used)


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _table(networks: list[dict[str, Any]]) -> str:
    header = ["network", "by", "test accuracy", "n-cut", "null mean", "null sd", "z", "CPU seconds"]
    lines = [_row(header), _row(["---"] * len(header))]
    for (dataset, dropout), published in PUBLISHED.items():
        row = [n for n in networks if (n["dataset"], n["dropout"]) == (dataset, dropout)]
        title = f"{dataset.replace('_', '-')} {'dropout' if dropout else 'control'}"
        lines.append(_row([title, "published, 5 networks", *_numbers([*published, None])]))
        for program in ("scikit-learn", "modlint"):
            each = [{**n[program], "accuracy": n["accuracy"]} for n in row]
            mean = {f: statistics.fmean(one[f] for one in each) for f in FIELDS}
            label = f"{program}, mean of {len(each)}"
            lines.append(_row(["", label, *_numbers([mean[f] for f in FIELDS])]))
            for network, one in zip(row, each, strict=True):
                label = f"{program}, seed {network['seed']}"
                lines.append(_row(["", label, *_numbers([one[f] for f in FIELDS])]))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _numbers(values: Sequence[float | None]) -> list[str]:
    formats = ("{:.4f}", "{:.3f}", "{:.3f}", "{:.3f}", "{:.1f}", "{:.1f}")
    pairs = zip(formats, values, strict=True)
    return ["" if value is None else form.format(value) for form, value in pairs]


if __name__ == "__main__":
    sys.exit(main())
