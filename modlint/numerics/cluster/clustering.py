"""Spectral clustering of a network's graph and the n-cut of the clusters.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, section 2; the embedding and the
k-means are those of scikit-learn's `SpectralClustering(affinity="precomputed")`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from threadpoolctl import threadpool_limits

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster import kmeans
from modlint.numerics.cluster.specs import PartitionSpec, require_size
from modlint.numerics.graph.adjacency import Adjacency, adjacency, compact, live_vertices
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Ints
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.tensor.library import beside, cast, library, on_host
from modlint.numerics.tensor.seeds import Stream
from modlint.results.clusters import Clusters
from modlint.results.graphs import Graph

RESTARTS, RESTARTS_LARGE, LARGE = 25, 100, 2000
"""Restarts of k-means up to, and above, so many vertices (arXiv 2103.03386, section 2.3).

A network's shuffles get as many as itself, however many of their vertices stay connected."""


ROUNDING = 1e-4
"""How far rounding may take an n-cut below the spectral sum that bounds it."""


class Cut(Struct, frozen=True, eq=False):
    """A clustering of the vertices of one graph.

    Attributes:
        spectral_sum: sum of the k smallest eigenvalues of the normalised Laplacian.
        labels: (vertices,) int64, from 0; clusters in descending order of size.
        sizes: vertices per cluster.
        ncut: Σ_c cut(c)/vol(c); None, as labels and sizes, where only the sum was asked for.
    """

    spectral_sum: float
    labels: Array | None = None
    sizes: tuple[int, ...] = ()
    ncut: float | None = None


def live_graph(network: Network, inputs: Inputs, spec: PartitionSpec) -> tuple[Graph, Mask]:
    """The graph without isolated vertices, and which vertices are live: (vertices,) bool.

    Raises:
        Unavailable: the graph is above the stated size, or has too few live vertices.
    """
    require_size(network, spec)
    graph: Graph = inputs.result(spec.graph, network)
    live: Mask = live_vertices(adjacency(graph))
    require_enough(int(live.sum()), spec.clusters)
    return compact(graph, live), live


def require_enough(vertices: int, clusters: int) -> None:
    """Refuse a graph with fewer than three live vertices per cluster.

    Raises:
        Unavailable: it has fewer.
    """
    if vertices < 3 * clusters:
        raise Unavailable(
            f"{vertices} connected neurons are too few for {clusters} clusters: "
            f"at least {3 * clusters} are needed"
        )


def partition(network: Network, inputs: Inputs, spec: PartitionSpec) -> Clusters:
    """Cluster a network's neurons; shuffle 0 of the seed's k-means streams.

    Raises:
        Unavailable: the graph is above the stated size, or has too few live vertices.
    """
    graph, live = live_graph(network, inputs, spec)
    tries = restarts(int(live.sum()))
    with threadpool_limits(limits=1, user_api="blas"):
        (cut,) = spectral_cuts(adjacency(graph), spec, (0,), tries)
    assert cut.labels is not None and cut.ncut is not None  # noqa: S101, PT018
    labels = np.full(live.shape, -1)
    labels[live] = cut.labels
    return Clusters(
        labels=_by_group(network, inputs.result(spec.graph, network), labels),
        sizes=cut.sizes,
        ncut=cut.ncut,
        spectral_sum=cut.spectral_sum,
        neurons=len(labels),
        isolated_units=int((~live).sum()),
    )


def _by_group(network: Network, graph: Graph, labels: Ints) -> dict[str, tuple[int, ...]]:
    """Labels of the graph's vertices by the network's groups; −1 where a group is in no graph."""
    parts = np.split(labels, np.cumsum(list(graph.groups.values()))[:-1])
    known = {name: tuple(part.tolist()) for name, part in zip(graph.groups, parts, strict=True)}
    return {group.name: known.get(group.name, (-1,) * group.size) for group in network.groups}


def spectral_sum(network: Network, inputs: Inputs, spec: PartitionSpec) -> float:
    """S_k of the live graph.

    Raises:
        Unavailable: the graph is above the stated size, or has too few live vertices.
    """
    graph, _ = live_graph(network, inputs, spec)
    with threadpool_limits(limits=1, user_api="blas"):
        (cut,) = spectral_cuts(adjacency(graph), spec, (0,), 0)
    return cut.spectral_sum


def restarts(vertices: int) -> int:
    """Restarts of k-means for a network and its shuffles, by the network's own live vertices."""
    return RESTARTS if vertices <= LARGE else RESTARTS_LARGE


def spectral_cuts(
    matrix: Adjacency, spec: PartitionSpec, shuffles: Sequence[int], restarts: int
) -> list[Cut]:
    """Cluster graphs of one shape without isolated vertices.

    Args:
        matrix: their adjacency, blocks (shuffles, …) but of one graph alone.
        spec: number of clusters and seed.
        shuffles: their numbers, 0 for the network itself; they name the random streams.
        restarts: of k-means; with none, only the spectral sums are computed.

    Raises:
        Unavailable: the eigenvalues did not converge, or fewer vertices than clusters can be told
            apart.
    """
    k, many = spec.clusters, len(matrix.first.shape) > 2
    values, vectors = leading_pairs(matrix, k)
    sums = on_host((1 - values).sum(-1)).reshape(-1).tolist()
    if not restarts:
        return [Cut(spectral_sum) for spectral_sum in sums]
    points = vectors * (matrix.degrees**-0.5)[..., None]
    cuts = []
    for place, (number, spectral_sum) in enumerate(zip(shuffles, sums, strict=True)):
        at = (place,) if many else ()
        own = Adjacency(matrix.sizes, {pair: w[at] for pair, w in matrix.blocks.items()})
        random = Stream("k-means", spec.seed, number)
        labels = kmeans.cluster(points[at], k, restarts, random)
        cuts.append(_cut(own, labels, spectral_sum, k))
    return cuts


def _cut(matrix: Adjacency, labels: Array, spectral_sum: float, k: int) -> Cut:
    labels, sizes = by_size(labels, k)
    if 0 in sizes:
        raise Unavailable(f"fewer than {k} clusters can be told apart")
    ncut = normalised_cut(matrix, labels, k)
    # S_k bounds n-cut from below over all partitions (Ky Fan): else one of the two is wrong
    if ncut < spectral_sum - ROUNDING:
        raise Unavailable(
            f"the n-cut of {ncut:.9g} lies below its bound of {spectral_sum:.9g}: please report it"
        )
    return Cut(spectral_sum, labels, sizes, ncut)


def by_size(labels: Array, k: int) -> tuple[Array, tuple[int, ...]]:
    """Labels renumbered by descending cluster size, then by first member; and the sizes."""
    own = on_host(labels)
    sizes = np.bincount(own, minlength=k).tolist()
    order = sorted(dict.fromkeys([*own.tolist(), *range(k)]), key=lambda c: -sizes[c])
    rank = np.empty(k, dtype=np.int64)
    rank[order] = np.arange(k)
    return beside(rank[own], labels), tuple(sizes[cluster] for cluster in order)


def normalised_cut(matrix: Adjacency, labels: Array, k: int) -> float:
    """Σ_c cut(c)/vol(c), with no factor ½; every cluster has a member.

    Args:
        matrix: adjacency, with no row sum of zero.
        labels: (vertices,) from 0 to k − 1.
        k: number of clusters.
    """
    xp, all_labels = library(labels), beside(np.arange(k), labels)
    members = cast(labels[:, None] == all_labels, xp.float64)
    within = (members * matrix.times(members)).sum(0)
    return float(xp.clip(1 - within / (matrix.degrees @ members), 0, None).sum())
