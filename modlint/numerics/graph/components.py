"""Connected components of a layered graph, by the weights that are not negligible."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from modlint.network import Network
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges, compact, edges_of, live_units
from modlint.results.graphs import Block, Component, Graph

NEGLIGIBLE = 1e-8
"""A weight below this share of its layer's mean links nothing."""


@np.errstate(all="ignore")
def components(network: Network, graph: Graph) -> tuple[Component, ...]:
    """Components of the live graph, of numpy's arrays, largest first."""
    edges = edges_of(graph.groups, ((b.source, b.target, _links(b)) for b in graph.blocks))
    edges = compact(edges, live_units(edges))
    labels = label(edges)
    roles = {group.name: group.role for group in network.groups}
    role = np.repeat([roles[name] for name in edges.sizes], list(edges.sizes.values()))
    members, entries, exits = (
        np.bincount(labels[which], minlength=int(labels.max(initial=-1)) + 1).tolist()
        for which in (slice(None), role == "input", role == "output")
    )
    found = [Component(*counts) for counts in zip(members, entries, exits, strict=True)]
    return tuple(sorted(found, key=lambda component: -component.neurons))


def _links(block: Block) -> Floats:
    """A block's weights without those that link nothing."""
    weights = np.array(block.weights, dtype=np.float64)
    shares = weights / (weights.max(initial=0) or 1)
    weights[shares < NEGLIGIBLE * shares.mean()] = 0
    return weights


def label(edges: Edges) -> Ints:
    """The component of each unit, (units,), numbered from 0.

    Most networks are one component, which products with the blocks tell without listing edges.
    """
    if edges.units and all(mask.all() for mask in reached_from_first(edges).values()):
        return np.zeros(edges.units, dtype=np.int64)
    found: Ints = connected_components(_sparse(edges), directed=False)[1]
    return found


def reached_from_first(edges: Edges) -> dict[str, Floats]:
    """By group, ones where a unit is connected to the first unit of all."""
    reached = {name: np.zeros(size) for name, size in edges.sizes.items()}
    reached[next(iter(reached))][0] = 1
    while True:
        before = sum(int(mask.sum()) for mask in reached.values())
        for (source, target), weights in edges.between.items():
            reached[target][reached[source] @ weights > 0] = 1
            reached[source][weights @ reached[target] > 0] = 1
        if sum(int(mask.sum()) for mask in reached.values()) == before:
            return reached


def _sparse(edges: Edges) -> sparse.coo_array:
    """Where edges are, in one direction."""
    ends = np.cumsum(list(edges.sizes.values())).tolist()
    first = {name: end - edges.sizes[name] for name, end in zip(edges.sizes, ends, strict=True)}
    places = [
        np.add(np.nonzero(weights), [[first[source]], [first[target]]])
        for (source, target), weights in edges.between.items()
    ]
    rows, columns = np.concatenate([*places, np.empty((2, 0), np.int64)], 1)
    shape = (edges.units, edges.units)
    return sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)
