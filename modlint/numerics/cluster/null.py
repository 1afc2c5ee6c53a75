"""The permutation test: a network's n-cut, or S_k, against those of its shuffles.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, section 3.1.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import msgspec

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster.clustering import (
    Cut,
    require_enough,
    restarts,
    spectral_cut,
)
from modlint.numerics.cluster.comparison import compare, decided
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.cluster.specs import TestSpec
from modlint.numerics.cluster.workers import workers
from modlint.numerics.graph.adjacency import adjacency, compact, live_vertices
from modlint.numerics.inputs import Inputs
from modlint.results.clusters import ClusterNull, Clusters, Comparison
from modlint.results.graphs import Graph

NO_SPREAD = 1e-6
"""Shuffles whose spectral sums differ by less are the same graph up to rounding."""


def cluster_test(network: Network, inputs: Inputs, spec: TestSpec) -> ClusterNull:
    """Cluster the network and shuffles of it, until `spec` says that enough are known.

    Raises:
        Unavailable: the partition has none, the null has no spread, or the budget ran out.
    """
    end = math.inf if spec.budget is None else time.monotonic() + spec.budget
    clusters: Clusters = inputs.result(spec.partition, network)
    if time.monotonic() >= end:
        raise _spent(0, spec)
    graph: Graph = inputs.result(spec.partition.graph, network)
    tries = _restarts(clusters, spec)
    observed = clusters.ncut if spec.method == "filan2021" else clusters.spectral_sum
    cuts: list[Cut] = []
    for cut in _cuts(graph, inputs, spec, tries, end):
        cuts.append(cut)
        inputs.progress("shuffling", len(cuts), spec.shuffles)
        if decided(observed, _statistics(cuts, spec), spec.extremes):
            break
    if statistics.pstdev(cut.spectral_sum for cut in cuts) < NO_SPREAD:
        raise Unavailable("shuffling the weights changes nothing: the null has no spread")
    return summarise(clusters, cuts, spec)


def _statistics(cuts: Sequence[Cut], spec: TestSpec) -> list[float]:
    if spec.method == "spectral":
        return [cut.spectral_sum for cut in cuts]
    return [cut.ncut for cut in cuts if cut.ncut is not None]


def _restarts(clusters: Clusters, spec: TestSpec) -> int:
    if spec.method != "filan2021":
        return 0
    return restarts(clusters.neurons - clusters.isolated_units)


def _cuts(graph: Graph, inputs: Inputs, spec: TestSpec, tries: int, end: float) -> Iterator[Cut]:
    """The shuffles' cuts in their order; leaving the loop ends the work on the others."""
    with workers(inputs.torch_device, footprint(graph)) as pool:
        numbers = range(1, spec.shuffles + 1)
        futures = [pool.submit(shuffled_cut, graph, spec, number, tries) for number in numbers]
        for done, future in enumerate(futures):
            yield _before(end, future, done, spec)


def footprint(graph: Graph) -> int:
    """Bytes that a shuffle takes: its weights, and one matrix' permutation with its entries."""
    weights = [block.weights for block in graph.blocks]
    own = sum(w.numel() * w.element_size() for w in weights)
    return int(own + max((8 + w.element_size()) * w.numel() for w in weights))


def _before(end: float, future: Future[Cut], done: int, spec: TestSpec) -> Cut:
    """A shuffle's result, if it comes in time."""
    try:
        return future.result(None if end == math.inf else max(0.0, end - time.monotonic()))
    except TimeoutError:
        raise _spent(done, spec) from None


def _spent(done: int, spec: TestSpec) -> Unavailable:
    return Unavailable(
        f"the budget of {spec.budget:g} s ran out after {done} of {spec.shuffles} shuffles:"
        " raise the rule's option `budget`"
    )


def shuffled_cut(graph: Graph, spec: TestSpec, number: int, tries: int) -> Cut:
    """Shuffle a graph, and cluster what of it is connected then.

    Args:
        graph: whole, isolated vertices included.
        spec: the null, its seed and the number of clusters.
        number: of the shuffle, from 1.
        tries: restarts of k-means; with none, only the spectral sum is computed.

    Raises:
        Unavailable: too few vertices are.
    """
    shuffled = shuffle(graph, spec.null, spec.partition.seed, number)
    matrix = adjacency(shuffled)
    live = live_vertices(matrix, matrix.device)
    require_enough(int(live.sum()), spec.partition.clusters)
    if not bool(live.all()):
        matrix = adjacency(compact(shuffled, live))
    del shuffled
    return spectral_cut(matrix, spec.partition, number, tries)


def summarise(clusters: Clusters, cuts: Sequence[Cut], spec: TestSpec) -> ClusterNull:
    """Where an observed partition lies among those of shuffles.

    Raises:
        Unavailable: the samples have no spread.
    """
    observed = clusters.ncut if spec.method == "filan2021" else clusters.spectral_sum
    comparison = compare(observed, _statistics(cuts, spec), spec.extremes)
    spectral: Comparison | None = comparison
    if spec.method != "spectral":
        whole = len(cuts) == spec.shuffles
        sums = [cut.spectral_sum for cut in cuts]
        spectral = compare(clusters.spectral_sum, sums) if whole else None
    share = clusters.ncut / spec.partition.clusters
    fields = msgspec.structs.asdict(comparison)
    return ClusterNull(
        **fields,
        clusters=clusters,
        in_out_ratio=(1 - share) / (2 * share) if share else math.inf,
        spectral=spectral,
    )
