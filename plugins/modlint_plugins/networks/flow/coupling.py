"""Which channels are one neuron."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def coupled(count: int, pairs: Iterable[tuple[Indices, Indices]]) -> Indices:
    """For each of `count` things the least that it is connected to, through pairs: (count,)."""
    both = [np.stack(pair) for pair in pairs]
    root = np.arange(count)
    if not both:
        return root
    left, right = np.concatenate(both, axis=1)
    while True:
        low = np.minimum(root[left], root[right])
        new = root.copy()
        for side in (left, right):
            np.minimum.at(new, root[side], low)
            np.minimum.at(new, side, low)
        new = new[new]
        if np.array_equal(new, root):
            return root
        root = new


def numbered(neurons: Indices, group: Indices) -> Indices:
    """Where each channel's neuron stands in its group, counted in the neurons' order: (channels,).

    Args:
        neurons: a number for each channel's neuron.
        group: a number for each channel's group.
    """
    pairs, place = np.unique(np.stack([group, neurons]), axis=1, return_inverse=True)
    _, first, sizes = np.unique(pairs[0], return_index=True, return_counts=True)
    within = np.arange(pairs.shape[1]) - np.repeat(first, sizes)
    return within[place.reshape(-1)]


def parts_of(neurons: Indices, sets: Iterable[tuple[Indices, Indices]]) -> Indices:
    """For each neuron a number, the same for neurons that are members of the same sets.

    Args:
        neurons: numbers, in order.
        sets: for each kind, neurons and the set of that kind in which each is.
    """
    found = np.zeros(len(neurons), np.int64)
    for members, which in sets:
        known = np.isin(members, neurons)
        place = np.searchsorted(neurons, members[known])
        pairs = np.unique(np.stack([place, which[known]]), axis=1)
        table = np.zeros((len(neurons), int(which.max(initial=0)) + 1), bool)
        table[pairs[0], pairs[1]] = True
        rows = np.concatenate([found[:, None], table], axis=1)
        found = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    return found


def equal_runs(numbers: Indices) -> int:
    """Into how many equal parts a sequence falls such that each is of one number."""
    ends = np.flatnonzero(np.diff(numbers)) + 1
    return len(numbers) // int(np.gcd.reduce([*ends, len(numbers)])) if len(numbers) else 1
