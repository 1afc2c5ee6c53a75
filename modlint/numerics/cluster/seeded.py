"""A network's clusters from several seeds, and what there is to see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster.consensus import medoid, stability
from modlint.numerics.cluster.edge_weights import edge_weights
from modlint.numerics.cluster.ends import ends, outstanding
from modlint.numerics.cluster.matched.edges import balanced_edges
from modlint.numerics.cluster.matched.partition import by_size, k_means, of_all
from modlint.numerics.cluster.matched.spectrum import layout_of, leading_values, leading_vectors
from modlint.numerics.cluster.matched.test import EACH
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges, compact, edges_of
from modlint.numerics.graph.flow import carrying
from modlint.numerics.linalg.threads import side_by_side
from modlint.results.clusters import Clusters
from modlint.results.graphs import Graph
from modlint.results.partitions import SeededClusters
from modlint.results.units import Flows

N = TypeVar("N", np.int64, np.float64)

BEYOND = 8
"""Eigenvalues that are shown beyond those of the clusters."""


class SeededSpec(Protocol):
    """How to cluster, as `modlint.analysis.partitions.SeededPartition` says it."""

    @property
    def clusters(self) -> int:
        """Number of clusters, k."""
        ...

    @property
    def seeds(self) -> int:
        """How many partitions are found."""
        ...

    @property
    def seed(self) -> int:
        """The first."""
        ...

    @property
    def min_flow(self) -> float:
        """Flow below which a unit is left out."""
        ...


def balanced_clusters(
    network: Network, graph: Graph, flows: Flows, spec: SeededSpec
) -> SeededClusters:
    """Cluster the balanced graph of the units that carry something.

    Args:
        network: says what is hidden.
        graph: its weights, as numpy's arrays.
        flows: the flow of its units.
        spec: how.

    Raises:
        Unavailable: there are too few units, the graph does not balance, or fewer clusters can be
            told apart.
    """
    edges, live = balanced_edges(network, graph, carrying(network, flows, spec.min_flow))
    if edges.units < EACH * spec.clusters:
        raise Unavailable(
            f"{edges.units} connected neurons are too few for {spec.clusters} clusters:"
            f" at least {EACH * spec.clusters} are needed"
        )
    vectors = leading_vectors(edges, layout_of(edges), spec.clusters)
    points = np.concatenate(
        [vectors[name] * edges.degrees[name][:, None] ** -0.5 for name in edges.sizes]
    )

    def labels(seed: int) -> Ints:
        return by_size(k_means(points, spec.clusters, seed), spec.clusters)

    seeds = range(spec.seed, spec.seed + spec.seeds)
    return _seen(network, edges, live, list(side_by_side(labels, seeds)), spec.clusters)


def published_clusters(
    network: Network, graph: Graph, partitions: Sequence[Clusters], k: int
) -> SeededClusters:
    """The same of partitions of the weights as they are.

    Args:
        network: says what is hidden.
        graph: its weights, as numpy's arrays.
        partitions: from several seeds.
        k: number of clusters.
    """
    live = {name: np.asarray(own) >= 0 for name, own in partitions[0].labels.items()}
    blocks = (
        (block.source, block.target, np.array(block.weights, np.float64)) for block in graph.blocks
    )
    edges = compact(edges_of(graph.groups, blocks), live)
    found = [
        np.concatenate([np.asarray(each.labels[name])[live[name]] for name in edges.sizes])
        for each in partitions
    ]
    return _seen(network, edges, live, found, k)


def _seen(
    network: Network, edges: Edges, live: Mapping[str, Mask], partitions: Sequence[Ints], k: int
) -> SeededClusters:
    """The medoid of the partitions, and what there is to see of it."""
    chosen, agreement = medoid(partitions)
    sizes = np.bincount(partitions[chosen], minlength=k)
    if not sizes.all():
        raise Unavailable(f"fewer than {k} clusters can be told apart")
    own = _by_group(edges, partitions[chosen])
    values = leading_values(edges, layout_of(edges), max(k, min(k + BEYOND, edges.units // EACH)))
    numbers = {name: np.flatnonzero(mask) for name, mask in live.items()}
    sides = (ends(network, edges, own, k, inputs=back) for back in (True, False))
    inputs, outputs = (outstanding(shares, names, numbers, k) for shares, names in sides)
    weights, layers = edge_weights(edges, own, k)
    return SeededClusters(
        labels=of_all(live, own),
        sizes=tuple(sizes.tolist()),
        ncut=weights.ncut,
        spectral_sum=float((1 - values[:k]).sum()),
        neurons=network.neurons,
        isolated_units=network.neurons - edges.units,
        seeds=len(partitions),
        agreement=agreement,
        stability=_stabilities(live, _by_group(edges, stability(partitions, chosen))),
        eigenvalues=tuple((1 - values).clip(0).tolist()),
        weights=weights,
        layers=layers,
        inputs=inputs,
        outputs=outputs,
    )


def _by_group(edges: Edges, values: NDArray[N]) -> dict[str, NDArray[N]]:
    """What there is of each unit, by group."""
    ends_of_groups = np.cumsum(list(edges.sizes.values()))[:-1]
    return dict(zip(edges.sizes, np.split(values, ends_of_groups), strict=True))


def _stabilities(
    live: Mapping[str, Mask], own: Mapping[str, Floats]
) -> dict[str, tuple[float, ...]]:
    """By group, that of each unit, NaN of those that have no cluster."""
    found = {}
    for name, mask in live.items():
        shares = np.full(len(mask), np.nan)
        if name in own:
            shares[mask] = own[name]
        found[name] = tuple(shares.tolist())
    return found
