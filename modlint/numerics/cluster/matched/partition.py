"""The clusters of the balanced graph: k-means of its spectral embedding.

The embedding is that of Filan et al., arXiv 2103.03386, section 2.1: eigenvectors of the normalised
Laplacian, each unit's row over the root of its degree.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster.matched.edges import balanced_edges
from modlint.numerics.cluster.matched.spectrum import layout_of, leading_values, leading_vectors
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges
from modlint.numerics.graph.flow import carrying
from modlint.numerics.tensor.streams import seed_of
from modlint.results.clusters import Clusters
from modlint.results.graphs import Graph
from modlint.results.units import Flows

RESTARTS = 25
"""Of k-means; the best by inertia counts (arXiv 2103.03386, section 2.3)."""

ITERATIONS = 300
"""Most iterations of a restart."""


def module_clusters(
    network: Network, graph: Graph, flows: Flows, min_flow: float, k: int, seed: int
) -> Clusters:
    """Cluster the units that carry something.

    Args:
        network: says what is hidden.
        graph: its weights, as numpy's arrays.
        flows: the flow of its units.
        min_flow: flow below which a unit is left out.
        k: number of clusters, at most a third of the units.
        seed: names the random stream of k-means.

    Raises:
        Unavailable: the graph does not balance, or fewer clusters can be told apart.
    """
    edges, live = balanced_edges(network, graph, carrying(network, flows, min_flow))
    layout = layout_of(edges)
    vectors = leading_vectors(edges, layout, k)
    points = np.concatenate(
        [vectors[name] * edges.degrees[name][:, None] ** -0.5 for name in edges.sizes]
    )
    labels = by_size(k_means(points, k, seed), k)
    sizes = np.bincount(labels, minlength=k)
    if not sizes.all():
        raise Unavailable(f"fewer than {k} clusters can be told apart")
    ends = np.cumsum(list(edges.sizes.values()))[:-1]
    own = dict(zip(edges.sizes, np.split(labels, ends), strict=True))
    return Clusters(
        labels=of_all(live, own),
        sizes=tuple(sizes.tolist()),
        ncut=normalised_cut(edges, own, k),
        spectral_sum=float((1 - leading_values(edges, layout, k)).sum()),
        neurons=network.neurons,
        isolated_units=network.neurons - edges.units,
    )


def k_means(points: Floats, k: int, seed: int) -> Ints:
    """Labels of the restart of least inertia: (n,); k-means++, then Lloyd's iterations."""
    points = points - points.mean(0)
    found = (_lloyd(points, _spread(points, k, seed, restart)) for restart in range(RESTARTS))
    return min(found, key=lambda ended: ended[0])[1]


def _spread(points: Floats, k: int, seed: int, restart: int) -> Floats:
    """Centres far apart: each next one drawn by squared distance (Arthur & Vassilvitskii 2007)."""
    draws = np.random.Philox(key=seed_of("k-means", seed, restart)).random_raw(k) / 2.0**64
    chosen = [int(draws[0] * len(points))]
    closest = np.full(len(points), np.inf)
    for draw in draws[1:]:
        closest = np.minimum(closest, np.square(points - points[chosen[-1]]).sum(1))
        reached = closest.cumsum()
        chosen.append(min(int(np.searchsorted(reached, draw * reached[-1])), len(points) - 1))
    return points[chosen]


def _lloyd(points: Floats, centres: Floats) -> tuple[float, Ints]:
    """The inertia, but for a constant, and the labels that a restart ends in."""
    labels = np.full(len(points), -1)
    for _ in range(ITERATIONS):
        before = labels
        scores = points @ centres.T - np.square(centres).sum(1) / 2
        labels = scores.argmax(1)
        if np.array_equal(labels, before):
            break
        members = (labels[:, None] == np.arange(len(centres))).astype(np.float64)
        counts = members.sum(0)[:, None]
        centres = np.where(counts > 0, members.T @ points / np.maximum(counts, 1), centres)
    return -float(scores.max(1).sum()), labels


def by_size(labels: Ints, k: int) -> Ints:
    """Labels renumbered by descending size, then by first member."""
    sizes = np.bincount(labels, minlength=k)
    order = sorted(dict.fromkeys([*labels.tolist(), *range(k)]), key=lambda c: -sizes[c])
    rank = np.empty(k, dtype=np.int64)
    rank[order] = np.arange(k)
    found: Ints = rank[labels]
    return found


def of_all(live: Mapping[str, Mask], own: Mapping[str, Ints]) -> dict[str, tuple[int, ...]]:
    """By group, the label of each unit, −1 of those that are left out."""
    found = {}
    for name, mask in live.items():
        labels = np.full(len(mask), -1)
        if name in own:
            labels[mask] = own[name]
        found[name] = tuple(labels.tolist())
    return found


def normalised_cut(edges: Edges, labels: Mapping[str, Ints], k: int) -> float:
    """Σ_c cut(c)/vol(c), with no factor ½; every cluster has a member."""
    members = {name: own[:, None] == np.arange(k) for name, own in labels.items()}
    volume = sum((edges.degrees[name] @ members[name] for name in labels), np.zeros(k))
    within = np.zeros(k)
    for (source, target), weights in edges.between.items():
        within += 2 * (members[source] * (weights @ members[target])).sum(0)
    return float((1 - within / volume).clip(0).sum())
