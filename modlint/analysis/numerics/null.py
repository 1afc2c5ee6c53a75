"""The permutation test: a network's n-cut against those of its shuffles.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, section 3.1.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

import torch

from modlint.analysis import Inputs
from modlint.analysis.clustering import ClusterNull, Clusters, ClusterTest, Null
from modlint.analysis.numerics.adjacency import adjacency, compact, live_vertices
from modlint.analysis.numerics.clustering import (
    Cut,
    live_graph,
    require_enough,
    restarts,
    spectral_cut,
)
from modlint.analysis.numerics.seeds import permutation
from modlint.analysis.numerics.ties import as_first, movable
from modlint.analysis.numerics.workers import single_threaded
from modlint.analysis.weights import Block, Graph
from modlint.errors import Unavailable
from modlint.network import Network

NO_SPREAD = 1e-9
"""Shuffles whose spectral sums differ by less are the same graph up to rounding."""

COPIES = 6
"""Float64 copies of the graph that clustering one shuffle holds at its peak."""


def cluster_test(network: Network, inputs: Inputs, spec: ClusterTest) -> ClusterNull:
    """Cluster the network and `spec.shuffles` shuffles of it.

    Raises:
        Unavailable: the partition has none, the null has no spread, or the budget ran out.
    """
    end = math.inf if spec.budget is None else time.monotonic() + spec.budget
    clusters = inputs.result(spec.partition)
    graph, _ = live_graph(network, inputs, spec.partition)
    footprint = COPIES * 8 * sum(block.weights.numel() for block in graph.blocks)
    cuts: list[Cut] = []
    with single_threaded(inputs.device, footprint) as pool:
        numbers = range(1, spec.shuffles + 1)
        futures = [pool.submit(shuffled_cut, graph, spec, number) for number in numbers]
        for future in futures:
            cuts.append(_before(end, future, len(cuts), spec))
            inputs.progress("shuffling", len(cuts), spec.shuffles)
    if statistics.pstdev(cut.spectral_sum for cut in cuts) < NO_SPREAD:
        raise Unavailable("shuffling the weights changes nothing: the null has no spread")
    return summarise(clusters, [cut.ncut for cut in cuts], spec.partition.clusters)


def _before(end: float, future: Future[Cut], done: int, spec: ClusterTest) -> Cut:
    """A shuffle's result, if it comes in time."""
    try:
        return future.result(None if end == math.inf else max(0.0, end - time.monotonic()))
    except TimeoutError:
        raise Unavailable(
            f"the budget of {spec.budget:g} s ran out after {done} of {spec.shuffles} shuffles; "
            "raise it with --config rules.not-clusterable.budget=SECONDS"
        ) from None


def shuffled_cut(graph: Graph, spec: ClusterTest, number: int) -> Cut:
    """Shuffle a graph without isolated vertices, and cluster what is left connected.

    Raises:
        Unavailable: too few vertices are.
    """
    shuffled = shuffle(graph, spec.null, spec.partition.seed, number)
    live = live_vertices(adjacency(shuffled), shuffled.blocks[0].weights.device)
    require_enough(int(live.sum()), spec.partition.clusters)
    remaining = adjacency(compact(shuffled, live))
    return spectral_cut(remaining, spec.partition, number, restarts(graph))


def shuffle(graph: Graph, null: Null, seed: int, number: int) -> Graph:
    """Permute the entries of each matrix within it; tied matrices alike, in either direction.

    Args:
        graph: without isolated vertices.
        null: which entries move.
        seed: the user's.
        number: of the shuffle, from 1.
    """
    uses: dict[str, list[Block]] = {}
    for block in graph.blocks:
        uses.setdefault(block.tensor, []).append(block)
    moved: dict[Block, Block] = {}
    for matrix, tied in enumerate(uses.values()):
        alike = [as_first(block, tied[0]) for block in tied]
        for block, view, places in zip(tied, alike, movable(alike, null), strict=True):
            weights = _permuted(view.weights, places, seed, number, matrix)
            moved[block] = replace(block, weights=weights if view is block else weights.T)
    return Graph(graph.groups, tuple(moved[block] for block in graph.blocks))


def _permuted(
    weights: torch.Tensor, places: torch.Tensor | None, seed: int, number: int, matrix: int
) -> torch.Tensor:
    """The matrix with the entries at `places`, bool of its shape, permuted; None for all."""
    flat = weights.flatten()
    moving = None if places is None else places.flatten().nonzero().flatten()
    entries = flat if moving is None else flat[moving]
    order = permutation(seed, number, matrix, len(entries), flat.device)
    after = entries[order] if moving is None else flat.index_put((moving,), entries[order])
    return after.view(weights.shape)


def summarise(clusters: Clusters, samples: Sequence[float], k: int) -> ClusterNull:
    """Where an observed n-cut lies among those of shuffles.

    Raises:
        Unavailable: the samples have no spread.
    """
    observed, mean, std = clusters.ncut, statistics.fmean(samples), statistics.pstdev(samples)
    if std == 0:
        raise Unavailable(f"the n-cuts of {len(samples)} shuffle(s) have no spread")
    median = statistics.median(samples)
    mad = statistics.median(abs(sample - median) for sample in samples)
    share = observed / k
    return ClusterNull(
        clusters=clusters,
        null_samples=tuple(samples),
        null_mean=mean,
        null_std=std,
        z_score=(observed - mean) / std,
        robust_z=(observed - median) / (1.4826 * mad) if mad else None,
        p_value=(1 + sum(sample <= observed for sample in samples)) / (len(samples) + 1),
        effect_size=(median - observed) / median if median else math.nan,
        in_out_ratio=(1 - share) / (2 * share) if share else math.inf,
    )
