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
