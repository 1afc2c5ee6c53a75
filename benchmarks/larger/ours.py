"""modlint's graph and clusters of a file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from scipy import sparse

from modlint.analysis.clustering import WEIGHTS, Partition
from modlint.analysis.graphs import ConvolutionGraph
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.numerics.cluster.clustering import restarts, spectral_cuts
from modlint.numerics.graph.adjacency import Adjacency, adjacency
from modlint.results.clusters import Clusters
from modlint.results.graphs import Graph

CLUSTERS = 10
"""Of arXiv 2103.03386 for networks for ImageNet."""

GRAPH = ConvolutionGraph(WEIGHTS)
PARTITION = Partition(CLUSTERS, max_connections=10**9, graph=GRAPH)


@dataclass(frozen=True)
class Ours:
    """What modlint finds.

    Attributes:
        sizes: vertices of each group.
        graph: modlint's.
        matrix: its adjacency, group after group.
        clusters: of CLU001 with `part = "convolutions"`, ten clusters.
        labels: a cluster for each vertex, in the matrix' order.
        seconds: wall time from the file to the clusters.
    """

    sizes: list[int]
    graph: Graph
    matrix: sparse.csr_matrix
    clusters: Clusters
    labels: np.ndarray
    seconds: float

    def ncut(self, seed: int) -> float | None:
        """The n-cut of the clusters that another seed of k-means finds."""
        spec = replace(PARTITION, seed=seed)
        tries = restarts(len(self.labels))
        return spectral_cuts(adjacency(self.graph), spec, [0], tries)[0].ncut


def measured(path: Path) -> Ours:
    """Read, rebuild, cluster.

    Raises:
        Unavailable: there is no graph.
    """
    started = time.perf_counter()
    registry = load_registry()
    checkpoint, errors = load_whole(path, registry.readers), list[str]()
    built = build_networks(checkpoint, registry.builders, errors)
    (network,) = built.networks
    file = FileExamination(checkpoint, built, "cpu", lambda *_: None, errors)
    clusters = file.result(PARTITION, network)
    seconds = time.perf_counter() - started
    graph = file.result(GRAPH, network)
    labels = np.concatenate([clusters.labels[group] for group in graph.groups])
    sizes = list(graph.groups.values())
    return Ours(sizes, graph, _sparse(adjacency(graph)), clusters, labels, seconds)


def _sparse(matrix: Adjacency) -> sparse.csr_matrix:
    order = matrix.vertices
    whole = sparse.csr_matrix((order, order))
    for (i, j), weights in matrix.blocks.items():
        block = sparse.coo_array(weights.astype(np.float64))
        at = block.row + matrix.spans[i].start, block.col + matrix.spans[j].start
        half = sparse.coo_array((block.data, at), shape=(order, order))
        whole += half if i == j else half + half.T
    return sparse.csr_matrix(whole)
