"""Which channels are one neuron."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from modlint_plugins.networks.flow.labels import distinct_pairs

Indices = NDArray[np.int64]

_ROUNDS = 16
"""In which the least number reaches all that is connected, but for long chains of pairs; scipy, for
those, takes longer to import than most networks take."""


def coupled(count: int, pairs: Iterable[tuple[Indices, Indices]]) -> Indices:
    """For each of `count` things the least that it is connected to, through pairs: (count,)."""
    left, right = np.concatenate([np.zeros((2, 0), np.int64), *map(np.stack, pairs)], axis=1)
    found: Indices = np.arange(count)
    for _ in range(_ROUNDS):
        before = found.copy()
        for one, other in ((left, right), (right, left)):
            np.minimum.at(found, one, found[other])
        found = found[found]
        if np.array_equal(found, before):
            return found
    return _by_scipy(count, left, right)


def _by_scipy(count: int, left: Indices, right: Indices) -> Indices:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(left), bool), (left, right)), shape=(count, count))
    _, component = connected_components(edges, directed=False)
    _, least = np.unique(component, return_index=True)
    found: Indices = least[component]
    return found


def numbered(neurons: Indices, group: Indices) -> Indices:
    """Where each channel's neuron stands in its group, counted in the neurons' order: (channels,).

    Args:
        neurons: a number for each channel's neuron.
        group: a number for each channel's group.
    """
    pairs, place = distinct_pairs(group, neurons)
    _, first, sizes = np.unique(pairs[0], return_index=True, return_counts=True)
    within = np.arange(pairs.shape[1]) - np.repeat(first, sizes)
    return within[place]


def parts_of(neurons: Indices, sets: Iterable[tuple[Indices, Indices]]) -> Indices:
    """For each neuron a number, the same for neurons that are members of the same sets.

    Args:
        neurons: numbers, in order.
        sets: for each kind, neurons and the set of that kind in which each is.
    """
    found = np.zeros(len(neurons), np.int64)
    for members, which in sets:
        pairs, _ = distinct_pairs(np.searchsorted(neurons, members), which)
        _, first, counts = np.unique(pairs[0], return_index=True, return_counts=True)
        number = np.zeros(len(neurons), np.int64)
        if len(first) == len(pairs[0]):
            number[pairs[0]] = pairs[1] + 1
        else:  # members of several sets of the kind
            held = [tuple(pairs[1, i : i + n].tolist()) for i, n in zip(first, counts, strict=True)]
            kinds = {each: i + 1 for i, each in enumerate(dict.fromkeys(held))}
            number[pairs[0, first]] = [kinds[each] for each in held]
        found = distinct_pairs(found, number)[1]
    return found


def equal_runs(numbers: Indices) -> int:
    """Into how many equal parts a sequence falls such that each is of one number."""
    ends = np.flatnonzero(np.diff(numbers)) + 1
    return len(numbers) // int(np.gcd.reduce([*ends, len(numbers)])) if len(numbers) else 1
