"""Which inputs and outputs of a network a cluster has most to do with.

What runs into a unit is shared out among those that it reads by their weights, and so back to the
inputs: a walk against the edges, each step with a chance in proportion to a weight, that ends at an
input. Weights of a unit are compared with one another alone, so the scales of layers do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from modlint.network import Network
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges
from modlint.results.partitions import End

MOST = 3
"""Ends that are named."""

STEPS = 64
"""Most steps of a walk; what has not ended then stays out."""

ON_ITS_WAY = 1e-3
"""A share on its way that is small enough to be left out."""

STANDS_OUT = 1.25
"""An end's share is at least so many times that of all hidden units together."""

Masses = dict[str, Floats]
"""By group, how much of each cluster's walk is at each unit: (units, clusters)."""


def ends(
    network: Network, edges: Edges, labels: Mapping[str, Ints], k: int, *, inputs: bool
) -> tuple[tuple[Floats, ...], tuple[str, ...]]:
    """For each end group, the share of each cluster's walks that end at each unit.

    Args:
        network: says which groups are ends.
        edges: between units that have a cluster.
        labels: by group, their clusters.
        k: how many clusters there are.
        inputs: whether walks go back to the inputs, else on to the outputs.

    Returns:
        (units, k + 1) of each end group, the last column of all hidden units together; their names.
    """
    role = "input" if inputs else "output"
    last = tuple(g.name for g in network.groups if g.role == role and g.name in edges.sizes)
    waiting = _starts(network, labels, k)
    ended = {name: np.zeros((edges.sizes[name], k + 1)) for name in last}
    steps = list(_steps(edges, inputs=inputs))
    for _ in range(STEPS):
        for name in last:
            ended[name] += waiting[name]
            waiting[name] = np.zeros_like(waiting[name])
        if max(float(mass.sum(0).max()) for mass in waiting.values()) < ON_ITS_WAY:
            break
        moved = {name: np.zeros_like(mass) for name, mass in waiting.items()}
        for start, stop, chances in steps:
            moved[stop] += chances @ waiting[start]
        waiting = moved
    return tuple(ended[name] for name in last), last


def _starts(network: Network, labels: Mapping[str, Ints], k: int) -> Masses:
    """One for each cluster, shared by its hidden units, or by its others where it has none."""
    hidden = {group.name for group in network.groups if group.role == "hidden"}
    members = {
        name: np.append(own[:, None] == np.arange(k), np.ones((len(own), 1), bool), 1).astype(float)
        for name, own in labels.items()
    }
    inner = sum((mass.sum(0) for name, mass in members.items() if name in hidden), np.zeros(k + 1))
    for name, mass in members.items():
        if name not in hidden:
            mass[:, inner > 0] = 0
    amounts = sum((mass.sum(0) for mass in members.values()), np.zeros(k + 1))
    return {name: mass / np.maximum(amounts, 1) for name, mass in members.items()}


def _steps(edges: Edges, *, inputs: bool) -> Iterable[tuple[str, str, Floats]]:
    """Where a walk goes, and the chances of each step: (stop, start), columns that add up to 1."""
    for (source, target), weights in edges.between.items():
        strengths = edges.into[target] if inputs else edges.out[source]
        shares = np.divide(1, strengths, out=np.zeros(len(strengths)), where=strengths > 0)
        if inputs:
            yield target, source, weights * shares
        else:
            yield source, target, weights.T * shares


def outstanding(
    shares: tuple[Floats, ...], names: tuple[str, ...], numbers: Mapping[str, Ints], k: int
) -> tuple[tuple[End, ...], ...]:
    """By cluster, the ends whose share is most above that of all hidden units together.

    Args:
        shares: of each end group, (units, k + 1).
        names: of the end groups.
        numbers: by group, the numbers of its units that have a cluster.
        k: how many clusters there are.
    """
    return tuple(_most(shares, names, numbers, cluster) for cluster in range(k))


def _most(
    shares: tuple[Floats, ...], names: tuple[str, ...], numbers: Mapping[str, Ints], cluster: int
) -> tuple[End, ...]:
    found = []
    for name, share in zip(names, shares, strict=True):
        own, whole = share[:, cluster], share[:, -1]
        above = own - whole
        for place in np.argsort(-above, kind="stable")[:MOST].tolist():
            if own[place] >= STANDS_OUT * whole[place] and above[place] > 0:
                end = End(name, int(numbers[name][place]), float(own[place]))
                found.append((float(above[place]), end))
    found.sort(key=lambda pair: -pair[0])
    return tuple(end for _, end in found[:MOST])
