"""A partition that was found from several seeds, and what there is to see of it."""

from __future__ import annotations

from msgspec import Struct

from modlint.results.clusters import Clusters, EdgeWeights


class End(Struct, frozen=True):
    """An input or an output of a network, as a cluster's.

    Attributes:
        layer: its group.
        unit: its number there.
        share: of what runs into the cluster's hidden units, or out of them.
    """

    layer: str
    unit: int
    share: float


class SeededClusters(Clusters, frozen=True, kw_only=True):
    """The partition, of those found from several seeds, that agrees most with the others.

    Attributes:
        seeds: how many partitions were found.
        agreement: mean adjusted Rand index of two of them; None of a single one.
        stability: by group, for each unit the share of the other partitions that put it where they
            put most of its cluster; NaN of units in no cluster, and of a single partition.
        eigenvalues: of the normalised Laplacian, the smallest, ascending: as many as there are
            clusters, and some beyond where the graph has so many.
        weights: within and out of each cluster.
        layers: by group, the same of the edges of its units alone.
        inputs: by cluster, the inputs that stand out most among what runs into it, at most three.
        outputs: by cluster, the outputs that stand out most among what runs out of it.
    """

    seeds: int
    agreement: float | None
    stability: dict[str, tuple[float, ...]]
    eigenvalues: tuple[float, ...]
    weights: EdgeWeights
    layers: dict[str, EdgeWeights]
    inputs: tuple[tuple[End, ...], ...]
    outputs: tuple[tuple[End, ...], ...]
