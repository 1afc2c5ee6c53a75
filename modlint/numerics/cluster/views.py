"""What there is to see of a partition, from the graph that it clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modlint.network import Network
from modlint.numerics.cluster.specs import PartitionSpec, PictureSpec
from modlint.numerics.graph.adjacency import Adjacency, adjacency, compact
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.inputs import Inputs
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.results.clusters import Clusters, EdgeWeights, Panel
from modlint.results.graphs import Block, Graph

ROUNDING = 1e-12
"""A share of a cluster's volume that leaves it and is smaller than this is rounding."""


def cluster_weights(network: Network, inputs: Inputs, spec: PartitionSpec) -> EdgeWeights:
    """Edge weights within and out of each cluster.

    Raises:
        Unavailable: there is no partition.
    """
    matrix, labels = _live(network, inputs, spec)
    members = (labels[:, None] == np.arange(spec.clusters)).astype(np.float64)
    twice_within = (members * matrix.times(members)).sum(0)
    volume = matrix.degrees @ members
    leaving = volume - twice_within
    leaving = np.where(leaving > ROUNDING * volume, leaving, 0)
    return EdgeWeights(tuple((twice_within / 2).tolist()), tuple(leaving.tolist()))


def smallest_eigenvalues(
    network: Network, inputs: Inputs, spec: PartitionSpec, beyond: int
) -> tuple[float, ...]:
    """The smallest eigenvalues of the normalised Laplacian, `beyond` more than there are clusters.

    Raises:
        Unavailable: there is no partition, or the eigenvalues did not converge.
    """
    matrix, _ = _live(network, inputs, spec)
    wanted = max(spec.clusters, min(spec.clusters + beyond, matrix.vertices // 3))
    values, _ = leading_pairs(matrix, wanted)
    return tuple((1 - values).clip(0).tolist())


def reordered_weights(network: Network, inputs: Inputs, spec: PictureSpec) -> tuple[Panel, ...]:
    """The largest layers' weights with neurons in the order of their clusters.

    Raises:
        Unavailable: there is no partition.
    """
    clusters: Clusters = inputs.result(spec.partition, network)
    graph: Graph = inputs.result(spec.partition.graph, network)
    alive = {name for name, labels in clusters.labels.items() if max(labels, default=-1) >= 0}
    blocks = [block for block in graph.blocks if {block.source, block.target} <= alive]
    by_size = sorted(blocks, key=lambda block: -block.weights.size)
    kept = set(by_size[: spec.layers])
    return tuple(_panel(block, clusters, spec) for block in blocks if block in kept)


def _live(network: Network, inputs: Inputs, spec: PartitionSpec) -> tuple[Adjacency, Ints]:
    """The adjacency of the live vertices, and their labels: (vertices,) int64."""
    clusters: Clusters = inputs.result(spec, network)
    graph: Graph = inputs.result(spec.graph, network)
    labels = np.concatenate([_labels(clusters, group) for group in graph.groups])
    live = labels >= 0
    return adjacency(compact(graph, live)), labels[live]


def _labels(clusters: Clusters, group: str) -> Ints:
    return np.array(clusters.labels[group], dtype=np.int64)


def _panel(block: Block, clusters: Clusters, spec: PictureSpec) -> Panel:
    source, target = _labels(clusters, block.source), _labels(clusters, block.target)
    columns, rows = _order(source), _order(target)
    image = block_means(block.weights[columns][:, rows].T, spec.pixels)
    k = spec.partition.clusters
    return Panel(
        block.layer, block.source, block.target, _counts(source, k), _counts(target, k), image
    )


def _order(labels: Ints) -> Ints:
    """Live neurons by cluster, within a cluster by number."""
    order = np.argsort(labels, kind="stable")
    found: Ints = order[labels[order] >= 0]
    return found


def _counts(labels: Ints, k: int) -> tuple[int, ...]:
    return tuple(np.bincount(labels[labels >= 0], minlength=k).tolist())


def block_means(matrix: NDArray[np.floating], pixels: int) -> Floats:
    """A matrix of at most `pixels` rows and columns: itself, or the means of blocks that tile it.

    Blocks at a seam share its row or column where the sizes do not divide.
    """
    means = matrix.astype(np.float64)
    for axis in (0, 1):
        size = matrix.shape[axis]
        if size > pixels:
            begins = np.arange(pixels) * size // pixels
            ends = -(-(np.arange(1, pixels + 1) * size) // pixels)
            sums = np.cumsum(np.insert(means, 0, 0, axis), axis)
            means = np.moveaxis(sums.take(ends, axis) - sums.take(begins, axis), axis, -1)
            means = np.moveaxis(means / (ends - begins), -1, axis)
    return means
