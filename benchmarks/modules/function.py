"""Do modules mean anything? What the tests say of networks, and what their clusters are good for.

    python -m benchmarks.modules.function --data FOLDER [--seeds N]

Trains 784-256×4-10 networks on MNIST and Fashion-MNIST by eight recipes, asks CLU001 (n-cut) and
CLU007, silences each cluster of each layer (Hod et al., arXiv 2110.08058) on test images, and
writes how the three rank the networks. Networks lie in benchmarks/cache, and each one's line in
results/function.jsonl, so that an interrupted run goes on where it stopped. FOLDER holds mnist.npz
and fashion_mnist.npz (x_train, y_train, x_test, y_test).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.lesions import lesion_test, perceptron
from modlint.analysis.modules import MatchedTest, ModuleClusters
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks
from modlint.engine.registry import load_registry
from modlint.live import checkpoint_of

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCHMARKS))

from training import Recipe, load, train  # noqa: E402

DATASETS = ("mnist", "fashion_mnist")
RECIPES = (
    ("control", False),
    ("dropout", False),
    ("l1", False),
    ("l2", False),
    ("control", True),
    ("clusterable-init", False),
    ("fixed-partition", False),
    ("wiring", False),
)
SAMPLES, GROUPS = 2000, 50
MEASURES = {
    "matched effect (CLU007)": lambda line: line["effect"],
    "published −z (CLU001)": lambda line: -line["z"],
    "lesions: accuracy lost, mean": lambda line: line["lost"],
    "lesions: accuracy lost, median": lambda line: line["median_lost"],
    "lesions: −p of importance": lambda line: -line["importance"],
    "lesions: −p of selectivity": lambda line: -line["selectivity"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, then print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--seeds", type=int, default=3, help="networks of each recipe (default 3)")
    parser.add_argument("--cache", type=Path, default=BENCHMARKS / "cache", help="of networks")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    file = BENCHMARKS / "results" / "function.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {line["name"] for line in lines}
    for seed in range(options.seeds):
        for dataset in DATASETS:
            for kind, pruned in RECIPES:
                recipe = Recipe(dataset, kind, pruned, seed)
                if recipe.name not in known:
                    lines.append(measured(recipe, options.data, options.cache))
                    with file.open("a") as stream:
                        stream.write(json.dumps(lines[-1]) + "\n")
    text = "\n".join(report(lines)) + "\n"
    file.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def measured(recipe: Recipe, data: Path, cache: Path) -> dict[str, Any]:
    """What both tests and the lesions say of a network, trained unless the cache has it."""
    trained = train(recipe, data, cache)
    state = torch.load(trained.path, weights_only=True)
    errors: list[str] = []
    checkpoint = checkpoint_of(state)
    built = build_networks(checkpoint, load_registry().builders, errors)
    file, network = FileExamination(checkpoint, built, "cpu", _silent, errors), built.networks[0]
    published = file.result(ClusterTest(Partition(12)), network)
    matched = file.result(MatchedTest(), network)
    labels = file.result(ModuleClusters(MatchedTest()), network).labels
    hidden = [group.name for group in network.groups if group.role == "hidden"]
    arrays = load(data, recipe.dataset)
    mlp = perceptron(
        [tensor.numpy() for name, tensor in state.items() if name.endswith("weight")],
        [tensor.numpy() for name, tensor in state.items() if name.endswith("bias")],
        arrays["x_test"][:SAMPLES].numpy(),
        names=hidden,
    )
    lesions = lesion_test(
        mlp.predict,
        {name: labels[name] for name in hidden},
        arrays["y_test"][:SAMPLES].numpy(),
        groups=GROUPS,
    )
    return {
        "name": recipe.name,
        "dataset": recipe.dataset,
        "recipe": f"{recipe.kind}, pruned" if recipe.pruned else recipe.kind,
        "accuracy": trained.accuracy,
        "z": published.z_score,
        "p": matched.p_value,
        "effect": matched.effect_size,
        "clusters": matched.clusters,
        "left_out": matched.unconnected + matched.negligible,
        "lesions": len(lesions.lesions),
        "lost": lesions.effect,
        "median_lost": statistics.median(lesion.effect for lesion in lesions.lesions),
        "importance": lesions.importance_p,
        "selectivity": lesions.selectivity_p,
    }


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def report(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The tables, as Markdown."""
    yield "# Modules and what they are good for"
    yield ""
    yield (
        f"{len(lines)} networks, 784-256×4-10, by `python -m benchmarks.modules.function`."
        " *Modules*: CLU007, p ≤ .05 and effect ≥ .01. Lesions: each of CLU007's clusters in each"
        f" layer is silenced on {SAMPLES:,} test images, against {GROUPS} random groups of as many"
        " units of the layer that CLU007 does not leave out; *lost* is the accuracy lost beyond"
        " that of random groups, in percentage points, the mean over lesions and their median,"
        " *importance* and *selectivity* the number of networks with a p (Fisher's) of at most .05."
        " Medians over a recipe's networks."
    )
    for dataset in DATASETS:
        yield ""
        yield f"## {dataset}"
        yield ""
        yield (
            "| recipe | networks | accuracy | CLU001's z | modules | effect | k* | left out | lost"
            " | importance | selectivity |"
        )
        yield "|---|---:|---|---|---|---|---|---|---|---|---|"
        for recipe in dict.fromkeys(line["recipe"] for line in lines):
            own = [line for line in lines if (line["dataset"], line["recipe"]) == (dataset, recipe)]
            if own:
                yield _row(recipe, own)
    yield ""
    yield "## Rank correlations"
    yield ""
    yield "Spearman's ρ over networks (p), of all and within each dataset."
    yield ""
    yield f"| | | all | {' | '.join(DATASETS)} |"
    yield f"|---|---|---|{'---|' * len(DATASETS)}"
    first, second, *functions = MEASURES
    pairs = [(test, function) for test in (first, second) for function in functions]
    for one, other in [(first, second), *pairs]:
        cells = [
            _correlation([line for line in lines if line["dataset"] in chosen], one, other)
            for chosen in (DATASETS, *((dataset,) for dataset in DATASETS))
        ]
        yield f"| {one} | {other} | {' | '.join(cells)} |"


def _row(recipe: str, own: list[dict[str, Any]]) -> str:
    def median(name: str) -> float:
        return statistics.median(line[name] for line in own)

    found = sum(line["p"] <= 0.05 and line["effect"] >= 0.01 for line in own)
    lost = " / ".join(f"{100 * median(name):.2f}" for name in ("lost", "median_lost"))
    counts = [sum(line[name] <= 0.05 for line in own) for name in ("importance", "selectivity")]
    return (
        f"| {recipe} | {len(own)} | {median('accuracy'):.3f} | {median('z'):.0f} |"
        f" {found} of {len(own)} | {median('effect'):.3f} | {median('clusters'):.0f} |"
        f" {median('left_out'):.0f} | {lost} |"
        f" {counts[0]} | {counts[1]} |"
    )


def _correlation(lines: Sequence[dict[str, Any]], one: str, other: str) -> str:
    found = spearmanr(*([MEASURES[name](line) for line in lines] for name in (one, other)))
    return f"{found.statistic:.2f} ({found.pvalue:.2g})"


if __name__ == "__main__":
    sys.exit(main())
