"""Exchanged networks in stacks, for a GPU: units trade the same places as on the CPU.

What trades places is drawn on the host, a few numbers a unit; the weights are moved, balanced and
decomposed where they are, all networks of a stack at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modlint.network import Network
from modlint.numerics.cluster.matched.edges import NEAR, SWEEPS
from modlint.numerics.cluster.matched.exchange import Pool, places_of
from modlint.numerics.cluster.matched.scan import spectral_sums
from modlint.numerics.graph.adjacency import adjacency
from modlint.numerics.graph.balance import scalable
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges, Pair
from modlint.numerics.inputs import Array, Device
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.tensor.library import cast, library, on_device, on_host
from modlint.results.graphs import Block, Graph

EDGES, MOST = 1 << 27, 1000
"""Edges, and networks, in a stack at most: some 330 of a 784-256×4-10 network take 6 GB."""


def stacks(edges: Edges, networks: int) -> list[range]:
    """The numbers of so many networks, from 0, in stacks."""
    own = sum(math.prod(weights.shape) for weights in edges.between.values())
    size = max(1, min(MOST, networks, EDGES // max(1, own)))
    return [range(n, min(n + size, networks)) for n in range(0, networks, size)]


def stacked_sums(
    network: Network,
    edges: Edges,
    pools: Sequence[Pool],
    draws: tuple[int, int],
    ks: Sequence[int],
    numbers: Sequence[int],
    device: Device,
) -> Floats:
    """S_k of a network, number 0, and of exchanged ones: (numbers, ks).

    Args:
        network: says what is hidden.
        edges: its own, balanced.
        pools: who may trade places.
        draws: units in a bin, and the user's seed.
        ks: numbers of clusters, ascending.
        numbers: of the exchanges.
        device: where to compute.
    """
    places = [places_of(edges, pools, *draws, number) for number in numbers]
    between = {
        pair: _moved(on_device(weights, device), on_device(_stack(places, pair[0]), device), pair)
        for pair, weights in edges.between.items()
    }
    scales = _balanced([name for name in scalable(network) if name in edges.sizes], between)
    blocks = (
        Block("", "", *pair, _scaled(weights, scales, pair)) for pair, weights in between.items()
    )
    values, _ = leading_pairs(adjacency(Graph(dict(edges.sizes), tuple(blocks))), ks[-1])
    return np.array([spectral_sums(each, ks) for each in on_host(values)])


def _stack(places: Sequence[Mapping[str, Ints]], group: str) -> Ints:
    return np.stack([each[group] for each in places])


def _moved(weights: Array, places: Array, pair: Pair) -> Any:
    """Rows in other places, (networks, in, out); see `exchange`."""
    moved = weights[places]
    if pair[0] == pair[1]:
        every = np.arange(places.shape[0])[:, None]
        units = np.arange(places.shape[1])
        moved[every, units, places] = moved[every, units, units]
        moved[every, units, units] = 0
    return moved


def _balanced(hidden: list[str], between: Mapping[Pair, Array]) -> dict[str, Array]:
    """Scales of the groups, (networks, units); `edges.rebalanced` does the same for one network."""
    xp = library(next(iter(between.values())))
    scales: dict[str, Array] = {}
    for (source, target), weights in between.items():
        scales[source] = xp.ones_like(weights[:, :, 0])
        scales[target] = xp.ones_like(weights[:, 0, :])
    free = {name: _both(*_strengths(name, between, scales)) for name in hidden}
    going = xp.ones_like(scales[hidden[0]][:, :1]) > 0 if hidden else None
    for sweep in range(SWEEPS):
        worst = []
        for name in hidden if sweep % 2 == 0 else reversed(hidden):
            into, out = (xp.where(free[name], s, 1.0) for s in _strengths(name, between, scales))
            ratios = xp.log(out / into)
            worst.append(xp.max(abs(ratios), axis=-1, keepdims=True))
            # units that are joined to one another move at once: a full step would overshoot
            step = xp.exp(ratios / (4 if (name, name) in between else 2))
            scales[name] = xp.where(going, scales[name] * step, scales[name])
        if worst:
            going = going & (xp.max(xp.concat(worst, axis=-1), axis=-1, keepdims=True) >= NEAR)
    return scales


def _both(into: Array, out: Array) -> Array:
    return (into > 0) & (out > 0)


def _strengths(
    group: str, between: Mapping[Pair, Array], scales: Mapping[str, Array]
) -> tuple[Array, Array]:
    """Weights into and out of each unit of a group as they are scaled now."""
    into, out = 0 * scales[group], 0 * scales[group]
    for (source, target), weights in between.items():
        if target == group:
            into += ((1 / scales[source])[:, None, :] @ weights)[:, 0, :] * scales[group]
        if source == group:
            out += (weights @ scales[target][:, :, None])[:, :, 0] / scales[group]
    return into, out


def _scaled(weights: Array, scales: Mapping[str, Array], pair: Pair) -> Array:
    source, target = (scales[name] for name in pair)
    return cast(weights / source[:, :, None] * target[:, None, :], library(weights).float32)
