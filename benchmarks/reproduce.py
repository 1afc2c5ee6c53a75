"""Reproduces the published table: MLPs against their shuffles, on MNIST and Fashion-MNIST.

    python benchmarks/reproduce.py --seeds 2

makes each network, tests it with scikit-learn, scipy and modlint, and prints them beside the
published figures (Filan et al., arXiv 2103.03386). Every step is kept in benchmarks/cache/, so an
interrupted run goes on where it stopped, and its results are shown as far as they go.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import own
import plot
import reference
import table
from published import ROWS, Row
from training import train

HERE = Path(__file__).resolve().parent
CACHE, RESULTS = HERE / "cache", HERE / "results"

TESTS: dict[str, Callable[[Path, int], reference.Measured]] = {
    "scikit-learn": lambda path, n: reference.measure(path, n, reference.ncut),
    "modlint filan2021": lambda path, n: own.check(path, n, "filan2021"),
    "scipy": lambda path, n: reference.measure(path, n, reference.spectral_sum),
    "modlint spectral": lambda path, n: own.check(path, n, "spectral"),
}
STEPS = ("train", *TESTS)
SHUFFLES = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the steps that are missing, then print and write the table and the plot."""
    options = _parser().parse_args(arguments)
    CACHE.mkdir(exist_ok=True)
    RESULTS.mkdir(exist_ok=True)
    pairs = [(row, seed) for seed in range(options.seeds) for row in ROWS]
    for row, seed in pairs:
        _do(row, seed, options)
    networks = [found for row, seed in pairs if (found := _results(row, seed, options.shuffles))]
    usual = options.shuffles == SHUFFLES
    stem = "reproduce" if usual else f"reproduce-{options.shuffles}"
    (RESULTS / f"{stem}.json").write_text(json.dumps(networks, indent=1) + "\n")
    (RESULTS / f"{stem}.md").write_text(text := table.render(networks))
    if usual:
        plot.draw(networks, RESULTS / f"{stem}.svg")
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="reproduce the published n-cuts")
    add = parser.add_argument
    add("--seeds", type=int, default=2, help="networks per row (default 2)")
    add("--shuffles", type=int, default=SHUFFLES, help="in each test (default 50)")
    add("--steps", nargs="*", choices=STEPS, default=STEPS, help="which to do (default all)")
    add(
        "--rows",
        default="",
        help="only rows whose networks' names begin so, such as mnist-l1 (default all)",
    )
    add(
        "--data",
        type=Path,
        default=HERE.parents[1] / "shared" / "data",
        help="folder of mnist.npz and fashion_mnist.npz (default ../shared/data)",
    )
    return parser


def _do(row: Row, seed: int, options: argparse.Namespace) -> None:
    """Take the chosen steps of one network that are not in the cache."""
    recipe = row.recipe(seed)
    if not recipe.name.startswith(options.rows):
        return
    path = CACHE / f"{recipe.name}.pt"
    for step in options.steps:
        record = _record(recipe.name, step, options.shuffles)
        if record.is_file() or not (step == "train" or path.is_file()):
            continue
        print(f"{recipe.name}: {step} …", file=sys.stderr, flush=True)
        if step == "train":
            train(recipe, options.data, CACHE)
        else:
            record.write_text(json.dumps(asdict(TESTS[step](path, options.shuffles))))


def _record(name: str, step: str, shuffles: int) -> Path:
    """Where a step's result is kept."""
    suffix = "train" if step == "train" else f"{step.replace(' ', '-')}-{shuffles}"
    return CACHE / f"{name}.{suffix}.json"


def _results(row: Row, seed: int, shuffles: int) -> dict[str, Any] | None:
    """What is known of one network; None before it is tested."""
    recipe = row.recipe(seed)
    done = {step: _record(recipe.name, step, shuffles) for step in STEPS}
    if not any(done[test].is_file() for test in TESTS):
        return None
    kept = {step: json.loads(path.read_text()) for step, path in done.items() if path.is_file()}
    return {**asdict(recipe), **kept}


if __name__ == "__main__":
    sys.exit(main())
