"""What a shuffle costs: modlint beside scikit-learn, part by part, and against the hardware.

    python benchmarks/speed.py MNIST_MLP.pt

1. Per shuffle, the slope between 50 and 250 shuffles: both methods of modlint and scikit-learn's
   `SpectralClustering` (arpack, 25 restarts of k-means), on the same cores, in turn.
2. The parts of a shuffle, on one thread.
3. The eigensolver against one product of the graph with a matrix of 12 columns, at 4·10⁵, 10⁷ and
   10⁸ edges; of the last also a whole shuffle, and the memory that it takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from msgspec.structs import replace
from reference import measure, ncut

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.numerics.cluster import kmeans
from modlint.numerics.cluster.clustering import RESTARTS, normalised_cut
from modlint.numerics.cluster.null import shuffled_cut
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.graph.adjacency import Adjacency, adjacency
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.tensor.seeds import generator
from modlint.results.graphs import Block, Graph

HERE = Path(__file__).resolve().parent
FEW, MANY = 50, 250
CLUSTERS = 12
WIDTHS = {"4·10⁵": 256, "10⁷": 1700, "10⁸": 5640}
"""By number of edges, the width of a 784-w-w-w-w-10 network that has so many."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write results/speed.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="state_dict of a 784-256×4-10 network")
    parser.add_argument("--only", choices=sorted(WIDTHS), help="measure one size, print JSON")
    options = parser.parse_args(arguments)
    if options.only:
        print(json.dumps(at_size(WIDTHS[options.only])))
        return 0
    lines = [*_slopes(options.checkpoint), "", *_parts(options.checkpoint), "", *_sizes()]
    text = "\n".join(lines) + "\n"
    (HERE / "results" / "speed.md").write_text(text)
    print(text)
    return 0


def graph_of(path: Path) -> Graph:
    """The graph of a state_dict of linear layers."""
    state = torch.load(path, weights_only=True)
    weights = [w.abs().T.contiguous() for name, w in state.items() if name.endswith("weight")]
    return _chain(weights)


def _chain(weights: Sequence[torch.Tensor]) -> Graph:
    sizes = [len(weights[0]), *(w.shape[1] for w in weights)]
    blocks = [Block(f"{i}", f"{i}", f"g{i}", f"g{i + 1}", w) for i, w in enumerate(weights)]
    return Graph({f"g{i}": n for i, n in enumerate(sizes)}, tuple(blocks))


def _slopes(path: Path) -> list[str]:
    graph = graph_of(path)
    runs: dict[str, Callable[[int], object]] = {
        "scikit-learn": lambda n: measure(path, n, ncut),
        "filan2021": lambda n: _modlint(graph, replace(SPEC, shuffles=n)),
        "spectral": lambda n: _modlint(graph, replace(SPEC, shuffles=n, method="spectral")),
    }
    seconds = {name: [_timed(run, n) for n in (FEW, MANY)] for name, run in runs.items()}
    slope = {name: (many - few) / (MANY - FEW) for name, (few, many) in seconds.items()}
    lines = [
        f"| program | {FEW} shuffles, s | {MANY} shuffles, s | per shuffle, ms | times as fast |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (few, many) in seconds.items():
        ratio = slope["scikit-learn"] / slope[name]
        lines.append(f"| {name} | {few:.1f} | {many:.1f} | {1e3 * slope[name]:.1f} | {ratio:.1f} |")
    return lines


SPEC = ClusterTest(Partition(CLUSTERS))


def _modlint(graph: Graph, spec: ClusterTest) -> None:
    from modlint.numerics.cluster.null import footprint
    from modlint.numerics.cluster.workers import workers

    with workers(torch.device("cpu"), footprint(graph)) as pool:
        numbers = range(1, spec.shuffles + 1)
        tries = RESTARTS if spec.method == "filan2021" else 0
        for future in [pool.submit(shuffled_cut, graph, spec, number, tries) for number in numbers]:
            future.result()


def _timed(run: Callable[[int], object], shuffles: int) -> float:
    start = time.perf_counter()
    run(shuffles)
    return time.perf_counter() - start


def _parts(path: Path) -> list[str]:
    torch.set_num_threads(1)
    graph = graph_of(path)
    matrix = adjacency(shuffle(graph, "layer", 0, 1))
    _, vectors = leading_pairs(matrix, CLUSTERS)
    points = vectors * matrix.degrees.rsqrt().unsqueeze(1)
    labels = kmeans.cluster(points, CLUSTERS, RESTARTS, generator("k-means", 0, 1))
    parts: dict[str, Callable[[], object]] = {
        "shuffling": lambda: shuffle(graph, "layer", 0, 1),
        "eigenvectors": lambda: leading_pairs(matrix, CLUSTERS),
        "k-means, 25 restarts": lambda: kmeans.cluster(
            points, CLUSTERS, RESTARTS, generator("k-means", 0, 1)
        ),
        "n-cut": lambda: normalised_cut(matrix, labels, CLUSTERS),
        "whole, filan2021": lambda: shuffled_cut(graph, SPEC, 1, RESTARTS),
        "whole, spectral": lambda: shuffled_cut(graph, SPEC, 1, 0),
    }
    lines = ["| part of a shuffle, one thread | CPU ms |", "| --- | --- |"]
    return lines + [f"| {name} | {1e3 * cpu_seconds(run):.1f} |" for name, run in parts.items()]


def cpu_seconds(run: Callable[[], object], repeats: int = 9) -> float:
    """The median CPU time of a call."""
    run()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return sorted(taken)[repeats // 2]


def _sizes() -> list[str]:
    lines = [
        "| edges | product, ms | in float64 | eigensolver, products | in float64's "
        "| shuffle, products | memory, × weights |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in WIDTHS:
        command = [sys.executable, __file__, "-", "--only", name]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        cells = json.loads(run.stdout)
        # beside torch itself, a few megabytes of weights are nothing to measure
        memory = f"{cells['memory']:.2f}" if WIDTHS[name] == max(WIDTHS.values()) else ""
        lines.append(
            f"| {name} | {1e3 * cells['product']:.2f} | {1e3 * cells['product_64']:.2f} |"
            f" {cells['eigen']:.1f} | {cells['eigen_64']:.1f} | {cells['shuffle']:.1f} |"
            f" {memory} |"
        )
    return lines


def at_size(width: int) -> dict[str, float]:
    """Times, in products of the graph with 12 columns, and memory; the small one on one thread."""
    import resource

    if width < 1000:
        torch.set_num_threads(1)
    sizes = (784, width, width, width, width, 10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    random = torch.Generator().manual_seed(0)
    graph = _chain([torch.rand(n, m, generator=random) for n, m in pairwise(sizes)])
    repeats = 9 if width < 1000 else 3
    start = time.perf_counter()
    shuffled_cut(graph, SPEC, 1, 0)
    whole = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    matrix: Adjacency = adjacency(graph)
    columns = torch.rand(matrix.vertices, CLUSTERS, generator=random)
    product = _wall(lambda: matrix.times(columns), repeats)
    eigen = _wall(lambda: leading_pairs(matrix, CLUSTERS), repeats)
    product_64 = _product_64(matrix, columns, repeats)
    weights = 4 * sum(block.weights.numel() for block in graph.blocks)
    return {
        "product": product,
        "product_64": product_64,
        "eigen": eigen / product,
        "eigen_64": eigen / product_64,
        "shuffle": whole / product,
        "memory": 1024 * memory / weights,
    }


def _product_64(matrix: Adjacency, columns: torch.Tensor, repeats: int) -> float:
    blocks = {at: block.double() for at, block in matrix.blocks.items()}
    wide = Adjacency(matrix.sizes, blocks)
    return _wall(lambda: wide.times(columns.double()), repeats)


def _wall(run: Callable[[], object], repeats: int) -> float:
    run()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    sys.exit(main())
