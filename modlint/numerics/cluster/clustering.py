"""Spectral clustering of a network's graph and the n-cut of the clusters.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, section 2; the embedding and the
k-means are those of scikit-learn's `SpectralClustering(affinity="precomputed")`.
"""

from __future__ import annotations

import torch
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster import kmeans
from modlint.numerics.cluster.specs import PartitionSpec, require_size
from modlint.numerics.cluster.workers import workers
from modlint.numerics.graph.adjacency import Adjacency, adjacency, compact, live_vertices
from modlint.numerics.inputs import Inputs
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.tensor.seeds import generator
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
    labels: torch.Tensor | None = None
    sizes: tuple[int, ...] = ()
    ncut: float | None = None


def live_graph(network: Network, inputs: Inputs, spec: PartitionSpec) -> tuple[Graph, torch.Tensor]:
    """The graph without isolated vertices, and which vertices are live: (vertices,) bool.

    Raises:
        Unavailable: the graph is above the stated size, or has too few live vertices.
    """
    require_size(network, spec)
    graph: Graph = inputs.result(spec.graph, network)
    live = live_vertices(adjacency(graph), inputs.torch_device)
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
    with workers(inputs.torch_device) as pool:
        cut = pool.submit(spectral_cut, adjacency(graph), spec, 0, tries).result()
    assert cut.labels is not None and cut.ncut is not None  # noqa: S101, PT018
    labels = torch.full(live.shape, -1, dtype=torch.int64, device=live.device)
    labels[live] = cut.labels
    return Clusters(
        labels=_by_group(network, inputs.result(spec.graph, network), labels.cpu()),
        sizes=cut.sizes,
        ncut=cut.ncut,
        spectral_sum=cut.spectral_sum,
        neurons=len(labels),
        isolated_units=int((~live).sum()),
    )


def _by_group(network: Network, graph: Graph, labels: torch.Tensor) -> dict[str, tuple[int, ...]]:
    """Labels of the graph's vertices by the network's groups; −1 where a group is in no graph."""
    parts = torch.split(labels, list(graph.groups.values()))
    known = {name: tuple(part.tolist()) for name, part in zip(graph.groups, parts, strict=True)}
    return {group.name: known.get(group.name, (-1,) * group.size) for group in network.groups}


def spectral_sum(network: Network, inputs: Inputs, spec: PartitionSpec) -> float:
    """S_k of the live graph.

    Raises:
        Unavailable: the graph is above the stated size, or has too few live vertices.
    """
    graph, _ = live_graph(network, inputs, spec)
    with workers(inputs.torch_device) as pool:
        return pool.submit(spectral_cut, adjacency(graph), spec, 0, 0).result().spectral_sum


def restarts(vertices: int) -> int:
    """Restarts of k-means for a network and its shuffles, by the network's own live vertices."""
    return RESTARTS if vertices <= LARGE else RESTARTS_LARGE


def spectral_cut(matrix: Adjacency, spec: PartitionSpec, shuffle: int, restarts: int) -> Cut:
    """Cluster a graph without isolated vertices.

    Args:
        matrix: its adjacency.
        spec: number of clusters and seed.
        shuffle: number of the shuffle, 0 for the network itself; it names the random stream.
        restarts: of k-means; with none, only the spectral sum is computed.

    Raises:
        Unavailable: the eigenvalues did not converge, or fewer vertices than clusters can be told
            apart.
    """
    k = spec.clusters
    values, vectors = leading_pairs(matrix, k)
    spectral_sum = float((1 - values).sum())
    if not restarts:
        return Cut(spectral_sum)
    random = generator("k-means", spec.seed, shuffle)
    labels = kmeans.cluster(vectors * matrix.degrees.rsqrt().unsqueeze(1), k, restarts, random)
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


def by_size(labels: torch.Tensor, k: int) -> tuple[torch.Tensor, tuple[int, ...]]:
    """Labels renumbered by descending cluster size, then by first member; and the sizes."""
    sizes = torch.bincount(labels, minlength=k).tolist()
    order = sorted(dict.fromkeys([*labels.tolist(), *range(k)]), key=lambda c: -sizes[c])
    rank = torch.empty(k, dtype=torch.int64)
    rank[order] = torch.arange(k)
    return rank.to(labels.device)[labels], tuple(sizes[cluster] for cluster in order)


def normalised_cut(matrix: Adjacency, labels: torch.Tensor, k: int) -> float:
    """Σ_c cut(c)/vol(c), with no factor ½; every cluster has a member.

    Args:
        matrix: adjacency, with no row sum of zero.
        labels: (vertices,) from 0 to k − 1.
        k: number of clusters.
    """
    members = torch.nn.functional.one_hot(labels, k).to(torch.float64)
    within = (members * matrix.times(members)).sum(0)
    return float((1 - within / (matrix.degrees @ members)).clamp_min(0).sum())
