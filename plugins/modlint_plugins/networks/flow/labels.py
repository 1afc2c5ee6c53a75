"""Labels: which channel of which value an element of a tensor carries.

A tensor's labels are an array of integers that broadcasts to its shape; an axis along which they
agree has size 1. Label 0 carries no channel, a negative one could not be followed (its number says
why), and every other label is a channel of one node: a node's channels have consecutive labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

LabelArray = NDArray[np.int64]

NONE = 0


def uniform(label: int, rank: int) -> LabelArray:
    """One label for all elements of a tensor."""
    return np.full((1,) * rank, label, dtype=np.int64)


def squashed(labels: LabelArray) -> LabelArray:
    """The labels with every axis along which they agree cut to size 1."""
    labels = labels[tuple(slice(0, 1) if step == 0 else slice(None) for step in labels.strides)]
    for axis, size in enumerate(labels.shape):
        if size > 1:
            first = labels.take([0], axis)
            if (labels == first).all():
                labels = first
    return labels


def along(labels: Sequence[int] | LabelArray, axis: int, rank: int) -> LabelArray:
    """A vector of labels laid along one axis of a tensor."""
    shape = [1] * rank
    shape[axis] = len(labels)
    return np.asarray(labels, dtype=np.int64).reshape(shape)


def with_rank(labels: LabelArray, rank: int) -> LabelArray:
    """The labels with axes of size 1 in front, as broadcasting adds them."""
    return labels.reshape((1,) * (rank - labels.ndim) + labels.shape)


def by_column(labels: LabelArray, axis: int, size: int) -> LabelArray:
    """The distinct labels of each index along an axis: (size, most of them).

    Indices with fewer have 0 in the rest; a 0 beside other labels is dropped.
    """
    axis %= labels.ndim
    rows = np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)
    rows = np.sort(np.broadcast_to(rows, (size, rows.shape[1])) if len(rows) == 1 else rows, axis=1)
    if rows.shape[1] == 1:
        return rows
    fresh = np.ones(rows.shape, dtype=bool)
    fresh[:, 1:] = rows[:, 1:] != rows[:, :-1]
    fresh &= rows != NONE
    order = np.argsort(~fresh, axis=1, kind="stable")
    distinct = np.where(
        np.take_along_axis(fresh, order, 1), np.take_along_axis(rows, order, 1), NONE
    )
    return distinct[:, : max(1, int(fresh.sum(1).max(initial=0)))]


def distinct_pairs(first: LabelArray, second: LabelArray) -> tuple[LabelArray, LabelArray]:
    """The distinct pairs of two vectors, in ascending order, and which of them each place holds.

    Args:
        first: not negative.
        second: not negative.

    Returns:
        (2, pairs) and (places,), as of `np.unique(…, axis=1, return_inverse=True)`, which compares
        rows of bytes and takes ten times as long.
    """
    pairs = np.stack([first, second])
    keys = first * (int(second.max(initial=0)) + 1) + second
    if (np.diff(keys) > 0).all():
        return pairs, np.arange(len(keys))
    _, index, place = np.unique(keys, return_index=True, return_inverse=True)
    return pairs[:, index], place


def broadcast(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that tensors of these shapes have together.

    Raises:
        ValueError: they do not broadcast.
    """
    return np.broadcast_shapes(*shapes)
