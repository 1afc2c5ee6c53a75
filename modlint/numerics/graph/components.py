"""Connected components of a layered graph, by the blocks' entries that are not zero."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from modlint.network import Network
from modlint.numerics.graph.adjacency import Adjacency, adjacency, compact, live_vertices
from modlint.results.graphs import Component, Graph


def components(network: Network, graph: Graph, device: torch.device) -> tuple[Component, ...]:
    """Components of the live graph, largest first."""
    live = live_vertices(adjacency(graph), device)
    labels = label(adjacency(compact(graph, live)))
    sizes = [group.size for group in network.groups]
    role = np.repeat([group.role for group in network.groups], sizes)[live.cpu().numpy()]
    members, entries, exits = (
        np.bincount(labels[which], minlength=int(labels.max(initial=-1)) + 1).tolist()
        for which in (slice(None), role == "input", role == "output")
    )
    found = [Component(*counts) for counts in zip(members, entries, exits, strict=True)]
    return tuple(sorted(found, key=lambda component: -component.neurons))


def label(matrix: Adjacency) -> NDArray[np.int32]:
    """The component of each vertex, (vertices,), numbered from 0.

    Most networks are one component, which products with the blocks tell without listing edges.
    """
    if matrix.vertices and bool(reached_from_first(matrix).all()):
        return np.zeros(matrix.vertices, dtype=np.int32)
    return connected_components(_sparse(matrix), directed=False)[1]  # type: ignore[no-any-return]


def reached_from_first(matrix: Adjacency) -> torch.Tensor:
    """Which vertices are connected to vertex 0: (vertices,) bool."""
    reached = torch.zeros(matrix.vertices, dtype=torch.bool, device=matrix.device)
    reached[0] = True
    while True:
        neighbours = matrix.times(reached.to(torch.float64)) > 0
        if not bool((neighbours & ~reached).any()):
            return reached
        reached |= neighbours


def _sparse(matrix: Adjacency) -> sparse.coo_array:
    """Where edges are, in one direction."""
    pairs = [
        torch.stack([places[:, 0] + matrix.spans[i].start, places[:, 1] + matrix.spans[j].start])
        for (i, j), weights in matrix.blocks.items()
        for places in [weights.nonzero()]
    ]
    rows, columns = torch.cat(pairs, 1).to(torch.int32).cpu().numpy()
    shape = (matrix.vertices, matrix.vertices)
    return sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)
