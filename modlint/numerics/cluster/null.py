"""The permutation test: a network's n-cut, or S_k, against those of its shuffles.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, section 3.1.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

import msgspec
from msgspec.structs import replace

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster.clustering import (
    Cut,
    require_enough,
    restarts,
    spectral_cuts,
)
from modlint.numerics.cluster.comparison import compare, decided
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.cluster.specs import TestSpec
from modlint.numerics.graph.adjacency import adjacency, compact, live_vertices
from modlint.numerics.graph.placed import placed
from modlint.numerics.inputs import Inputs
from modlint.numerics.linalg.eigen import BELIEVED
from modlint.numerics.linalg.threads import side_by_side
from modlint.numerics.tensor.library import device_of
from modlint.results.clusters import ClusterNull, Clusters, Comparison
from modlint.results.graphs import Graph

CPU_EDGES, DEVICE_EDGES = 1 << 21, 1 << 28
"""Edges of the shuffles that are computed as one batch: on the CPU as many as repay the calls, on a
GPU as many as fit (250 shuffles of a million edges take some 8 GB)."""

CPU_MOST, DEVICE_MOST = 8, 1000
"""Most shuffles in a batch."""

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
    whole: Graph = inputs.result(spec.partition.graph, network)
    graph = placed(whole, inputs.device_for(network.connections * spec.shuffles))
    if graph is not whole and not agrees(graph, clusters, spec):
        graph = whole
    tries = _restarts(clusters, spec)
    observed = clusters.ncut if spec.method == "filan2021" else clusters.spectral_sum
    cuts: list[Cut] = []
    for cut in _cuts(graph, spec, tries, end):
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


def _cuts(graph: Graph, spec: TestSpec, tries: int, end: float) -> Iterator[Cut]:
    """The shuffles' cuts in their order; leaving the loop ends the work on the others."""
    batches, done = batched(graph, spec.shuffles), 0
    work = partial(shuffled_cuts, graph, spec, tries=tries)
    bytes_held = footprint(graph) * len(batches[0])
    try:
        for cut in chain.from_iterable(side_by_side(work, batches, bytes_held, end)):
            yield cut
            done += 1
    except TimeoutError:
        raise _spent(done, spec) from None


def agrees(graph: Graph, clusters: Clusters, spec: TestSpec) -> bool:
    """Whether where the graph is S_k of the network comes out as it did on the CPU, in float64."""
    live = live_vertices(adjacency(graph))
    (cut,) = spectral_cuts(adjacency(compact(graph, live)), spec.partition, [0], 0)
    return abs(cut.spectral_sum - clusters.spectral_sum) <= BELIEVED


def batched(graph: Graph, shuffles: int) -> list[range]:
    """The numbers of the shuffles, in batches as large as suits where the graph is."""
    on_cpu = isinstance(device_of(graph.blocks[0].weights), str)
    edges, most = (CPU_EDGES, CPU_MOST) if on_cpu else (DEVICE_EDGES, DEVICE_MOST)
    own = sum(math.prod(block.weights.shape) for block in graph.blocks)
    size = max(1, min(most, shuffles, edges // max(1, own)))
    return [range(n, min(n + size, shuffles + 1)) for n in range(1, shuffles + 1, size)]


def footprint(graph: Graph) -> int:
    """Bytes that a shuffle takes: its weights, and one matrix' permutation with its entries."""
    weights = [block.weights for block in graph.blocks]
    own = sum(w.nbytes for w in weights)
    return int(own + max(8 * math.prod(w.shape) + w.nbytes for w in weights))


def _spent(done: int, spec: TestSpec) -> Unavailable:
    return Unavailable(
        f"the budget of {spec.budget:g} s ran out after {done} of {spec.shuffles} shuffles:"
        " raise the rule's option `budget`"
    )


def shuffled_cuts(graph: Graph, spec: TestSpec, numbers: Sequence[int], tries: int) -> list[Cut]:
    """Shuffle a graph several times, and cluster what of each is connected then.

    Args:
        graph: whole, isolated vertices included.
        spec: the null, its seed and the number of clusters.
        numbers: of the shuffles, from 1.
        tries: restarts of k-means; with none, only the spectral sums are computed.

    Raises:
        Unavailable: too few vertices are.
    """
    shuffled = shuffle(graph, spec.null, spec.partition.seed, numbers)
    matrix = adjacency(shuffled)
    live = live_vertices(matrix)
    if bool(live.all()):
        require_enough(matrix.vertices, spec.partition.clusters)
        del shuffled
        return spectral_cuts(matrix, spec.partition, numbers, tries)
    cuts = []
    for place, number in enumerate(numbers):
        require_enough(int(live[place].sum()), spec.partition.clusters)
        own = compact(_one(shuffled, place), live[place])
        cuts += spectral_cuts(adjacency(own), spec.partition, [number], tries)
    return cuts


def _one(graph: Graph, place: int) -> Graph:
    """One of a batch of graphs."""
    blocks = (replace(block, weights=block.weights[place]) for block in graph.blocks)
    return Graph(graph.groups, tuple(blocks))


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
