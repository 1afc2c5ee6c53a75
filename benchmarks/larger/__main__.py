"""`python -m benchmarks.larger`: resumable; a deleted file of the cache is measured anew."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import nn

from benchmarks.larger.authors import Authors, Connections, matrix_of, merged, sizes_of
from benchmarks.larger.nets import NAMES, built, written
from benchmarks.larger.ours import CLUSTERS, Ours, measured
from benchmarks.larger.table import render

HERE = Path(__file__).resolve().parent
Figures = dict[str, Any]
SEEDS = 5


def main() -> None:
    """Measure what the cache lacks, and write the table of all."""
    warnings.simplefilter("ignore")
    options = _arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    for name in options.only or NAMES:
        print(name, json.dumps(_completed(name, options), indent=1), flush=True)
    paths = [options.cache / f"{name}.json" for name in NAMES]
    networks = [json.loads(path.read_text()) for path in paths if path.exists()]
    (HERE.parent / "results/larger.md").write_text(render(networks))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.larger", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", choices=NAMES, metavar="NAME", help="a network")
    add("--seed", type=int, default=0, help="of the weights")
    add("--cache", type=Path, default=HERE.parent / "cache/larger", metavar="DIR")
    add("--authors", type=Path, metavar="DIR", help="dfilan/clusterability_in_neural_networks")
    add("--pytorch", type=Path, metavar="DIR", help="HumanCompatibleAI/nn-clustering-pytorch")
    return parser.parse_args()


def _completed(name: str, options: argparse.Namespace) -> Figures:
    """A network's figures, each kept as soon as it is known."""
    path = options.cache / f"{name}.json"
    found: Figures = {"name": name, "seed": options.seed}
    if path.exists():
        found = json.loads(path.read_text())
    for step, measure in _Steps(name, options).all():
        if step not in found:
            with torch.no_grad():
                found[step] = measure()
            path.write_text(json.dumps(found, indent=1))
    return found


class _Steps:
    """What is measured of one network; whatever several steps need is made once."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name = name
        self.options = options

    def all(self) -> Iterator[tuple[str, Callable[[], Figures]]]:
        """The steps whose checkouts are given."""
        yield ".pt2", lambda: _own(self.ours)
        if self.options.authors:
            yield "merged", self.merged
        if self.options.pytorch and self.name.startswith("vgg"):
            yield "pytorch", self.pytorch
        yield ".onnx", lambda: _own(self.from_file(".onnx"))
        if self.options.authors:
            yield "entrywise", lambda: self.theirs(self.entrywise)
            yield "published", lambda: self.theirs(self.connections("published"))
            yield "seeds", self.seeds

    @cached_property
    def model(self) -> nn.Module:
        """The network."""
        return built(self.name, self.options.seed)

    @cached_property
    def ours(self) -> Ours:
        """The graph that modlint draws."""
        return self.from_file(".pt2")

    @cached_property
    def entrywise(self) -> Connections:
        """Their graph, kernels by the sum of their entries."""
        return self.connections("entrywise")

    def connections(self, norm: str) -> Connections:
        """Their graph."""
        return Authors(self.options.authors).connections(self.model, norm)

    def from_file(self, suffix: str) -> Ours:
        """What modlint finds in a file of this format."""
        path = self.options.cache / f"{self.name}{suffix}"
        try:
            return measured(written(self.model, path))
        finally:
            path.unlink(missing_ok=True)

    @cached_property
    def graph(self) -> Connections:
        """Their graph, copies merged."""
        return merged(self.entrywise)

    def merged(self) -> Figures:
        """Their graph, copies merged, beside modlint's."""
        authors, matrix = Authors(self.options.authors), matrix_of(self.graph)
        return _beside(authors, matrix, sizes_of(self.graph), self.ours)

    def seeds(self) -> Figures:
        """The n-cuts of that graph that seeds of k-means give in modlint's code, and in theirs."""
        authors, matrix = Authors(self.options.authors), matrix_of(self.graph)
        return {
            "ours": [self.ours.ncut(seed) for seed in range(SEEDS)],
            "theirs": [authors.clustered(matrix, CLUSTERS, seed) for seed in range(SEEDS)],
        }

    def pytorch(self) -> Figures:
        """Their PyTorch code's graph of a chain beside modlint's."""
        authors = Authors(self.options.pytorch)
        return _beside(authors, authors.chain(self.model), self.ours.sizes, self.ours)

    def theirs(self, connections: Connections) -> Figures:
        """Their graph as they draw it, and the n-cut of their clusters."""
        authors = Authors(self.options.authors)
        matrix = authors.adjacency(connections)
        return {**_size(matrix), "ncut": authors.clustered(matrix, CLUSTERS)}


def _own(ours: Ours) -> Figures:
    sums = {"ncut": ours.clusters.ncut, "spectral_sum": ours.clusters.spectral_sum}
    return {**_size(ours.matrix), **sums, "seconds": ours.seconds}


def _size(matrix: sparse.csr_matrix) -> Figures:
    return {"vertices": matrix.shape[0], "edges": matrix.nnz // 2}


def _beside(authors: Authors, matrix: sparse.csr_matrix, sizes: list[int], ours: Ours) -> Figures:
    """A graph of theirs against modlint's: entries, n-cut of modlint's clusters, and of theirs."""
    order = _matched(matrix, sizes, ours)
    moved, labels = ours.matrix[order][:, order], ours.labels[order]
    return {
        **_size(matrix),
        "difference": float(abs(matrix - moved).max() / matrix.max()),
        "ncut_of_ours": authors.ncut(matrix, labels),
        "ncut": authors.clustered(matrix, CLUSTERS),
    }


def _matched(matrix: sparse.csr_matrix, sizes: list[int], ours: Ours) -> np.ndarray:
    """Which of modlint's vertices each of theirs is: groups of one size by their sum of weights."""
    theirs, own = (_groups(m, s) for m, s in ((matrix, sizes), (ours.matrix, ours.sizes)))
    order = np.zeros(matrix.shape[0], dtype=np.int64)
    for (_, _, group), (_, _, other) in zip(sorted(theirs), sorted(own), strict=True):
        order[group.start : group.stop] = other
    return order


def _groups(matrix: sparse.csr_matrix, sizes: list[int]) -> list[tuple[int, float, range]]:
    degrees, ends = np.asarray(matrix.sum(1)).ravel(), np.cumsum(sizes)
    spans = [range(int(end) - size, int(end)) for size, end in zip(sizes, ends, strict=True)]
    return [(len(s), float(degrees[s.start : s.stop].sum()), s) for s in spans]


if __name__ == "__main__":
    main()
