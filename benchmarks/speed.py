"""What a shuffle costs: modlint beside scikit-learn, part by part, and against the hardware.

    python benchmarks/speed.py MNIST_MLP.pt

1. Per shuffle, the slope between 50 and 250 shuffles: both methods of modlint and scikit-learn's
   `SpectralClustering` (arpack, 25 restarts of k-means), on the same cores, in turn.
2. The parts of a shuffle, on one thread.
3. The eigensolver against one product of the graph with a matrix of 12 columns, at 4·10⁵, 10⁷ and
   10⁸ edges; of the last also a whole shuffle, and the memory that it takes.
4. Whole processes, `modlint check` with the defaults of CLU001 and CLU007: of the network, and of
   one of 10⁷ random weights.

Times of 1 and 4 are wall times and CPU times: on a machine that others use too only the latter say
something.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from msgspec.structs import replace
from reference import measure, ncut
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.numerics.cluster import kmeans
from modlint.numerics.cluster.clustering import RESTARTS, normalised_cut
from modlint.numerics.cluster.null import batched, footprint, shuffled_cuts
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.graph.adjacency import Adjacency, adjacency
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.linalg.threads import side_by_side
from modlint.numerics.tensor.seeds import Stream
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
    path = options.checkpoint
    lines = [*_slopes(path), "", *_parts(path), "", *_sizes(), "", *_processes(path)]
    text = "\n".join(lines) + "\n"
    (HERE / "results" / "speed.md").write_text(text)
    print(text)
    return 0


def graph_of(path: Path) -> Graph:
    """The graph of a state_dict of linear layers."""
    state = torch.load(path, weights_only=True)
    weights = [w.abs().numpy().T.copy() for name, w in state.items() if name.endswith("weight")]
    return _chain(weights)


def _chain(weights: Sequence[np.ndarray]) -> Graph:
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
    taken = {name: [_timed(run, n) for n in (FEW, MANY)] for name, run in runs.items()}
    slope = {name: (many - few) / (MANY - FEW) for name, (few, many) in taken.items()}
    lines = [
        f"| program | {FEW} shuffles, wall s | {MANY} shuffles, wall s | per shuffle, wall ms "
        "| times as fast | per shuffle, CPU ms | times as fast |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (few, many) in taken.items():
        wall, cpu = 1e3 * slope[name]
        faster = slope["scikit-learn"] / slope[name]
        lines.append(
            f"| {name} | {few[0]:.1f} | {many[0]:.1f} | {wall:.1f} | {faster[0]:.1f} |"
            f" {cpu:.1f} | {faster[1]:.1f} |"
        )
    return lines


SPEC = ClusterTest(Partition(CLUSTERS))


def _modlint(graph: Graph, spec: ClusterTest) -> None:
    tries = RESTARTS if spec.method == "filan2021" else 0
    work = partial(shuffled_cuts, graph, spec, tries=tries)
    for _ in side_by_side(work, batched(graph, spec.shuffles), footprint(graph)):
        pass


def _timed(run: Callable[[int], object], shuffles: int) -> np.ndarray:
    """Wall and CPU time."""
    start = np.array([time.perf_counter(), time.process_time()])
    run(shuffles)
    return np.array([time.perf_counter(), time.process_time()]) - start


def _parts(path: Path) -> list[str]:
    graph = graph_of(path)
    stack = adjacency(shuffle(graph, "layer", 0, [1]))
    matrix = Adjacency(stack.sizes, {pair: block[0] for pair, block in stack.blocks.items()})
    _, vectors = leading_pairs(matrix, CLUSTERS)
    points = vectors * matrix.degrees[:, None] ** -0.5
    labels = kmeans.cluster(points, CLUSTERS, RESTARTS, Stream("k-means", 0, 1))
    parts: dict[str, Callable[[], object]] = {
        "shuffling": lambda: shuffle(graph, "layer", 0, [1]),
        "eigenvectors": lambda: leading_pairs(matrix, CLUSTERS),
        "k-means, 25 restarts": lambda: kmeans.cluster(
            points, CLUSTERS, RESTARTS, Stream("k-means", 0, 1)
        ),
        "n-cut": lambda: normalised_cut(matrix, labels, CLUSTERS),
        "whole, filan2021": lambda: shuffled_cuts(graph, SPEC, [1], RESTARTS),
        "whole, spectral": lambda: shuffled_cuts(graph, SPEC, [1], 0),
    }
    lines = ["| part of a shuffle, one thread | CPU ms |", "| --- | --- |"]
    with threadpool_limits(limits=1):
        return lines + [f"| {name} | {1e3 * cpu_seconds(run):.1f} |" for name, run in parts.items()]


def _processes(path: Path) -> list[str]:
    lines = ["| whole process | connections | wall s | CPU s |", "| --- | --- | --- | --- |"]
    with TemporaryDirectory() as folder:
        large = Path(folder, "large.safetensors")
        _save_random(WIDTHS["10⁷"], large)
        for file, size in ((path, "4·10⁵"), (large, "10⁷")):
            for rule, asked in RULES.items():
                wall, cpu = _checked(file, asked)
                lines.append(f"| {rule} | {size} | {wall:.1f} | {cpu:.1f} |")
    return lines


RULES = {
    "CLU001": ("--select", "CLU001"),
    "CLU001, spectral": (
        *("--select", "CLU001", "--config", "rules.not-clusterable.method='spectral'"),
        *("--config", "rules.not-clusterable.extremes=0"),
    ),
    "CLU007": ("--select", "CLU007"),
}
"""By what is asked for, the arguments."""


def _save_random(width: int, path: Path) -> None:
    """A file of normal weights: with signs, as trained ones have them."""
    random = np.random.default_rng(0)
    sizes = pairwise((784, width, width, width, width, 10))
    weights = {
        f"{i}.weight": random.standard_normal((n, m), dtype=np.float32) / np.float32(m**0.5)
        for i, (m, n) in enumerate(sizes)
    }
    save_file(weights, path)


def _checked(path: Path, asked: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU time of a check in a process of its own."""
    command = [sys.executable, "-m", "modlint", "check", "--isolated", "--no-cache", *asked]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*command, *LARGEST, str(path)], capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


LARGEST = tuple(
    part
    for rule in ("not-clusterable", "no-modules")
    for part in ("--config", f"rules.{rule}.max-connections=20000000")
)


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
    if width < 1000:
        threadpool_limits(limits=1)
    sizes = (784, width, width, width, width, 10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    random = np.random.default_rng(0)
    graph = _chain([random.random((n, m), dtype=np.float32) for n, m in pairwise(sizes)])
    repeats = 9 if width < 1000 else 3
    start = time.perf_counter()
    shuffled_cuts(graph, SPEC, [1], 0)
    whole = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    matrix: Adjacency = adjacency(graph)
    columns = random.random((matrix.vertices, CLUSTERS), dtype=np.float32)
    product = _wall(lambda: matrix.times(columns), repeats)
    eigen = _wall(lambda: leading_pairs(matrix, CLUSTERS), repeats)
    product_64 = _product_64(matrix, columns, repeats)
    weights = 4 * sum(block.weights.size for block in graph.blocks)
    return {
        "product": product,
        "product_64": product_64,
        "eigen": eigen / product,
        "eigen_64": eigen / product_64,
        "shuffle": whole / product,
        "memory": 1024 * memory / weights,
    }


def _product_64(matrix: Adjacency, columns: np.ndarray, repeats: int) -> float:
    blocks = {at: block.astype(np.float64) for at, block in matrix.blocks.items()}
    wide = Adjacency(matrix.sizes, blocks)
    return _wall(lambda: wide.times(columns.astype(np.float64)), repeats)


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
