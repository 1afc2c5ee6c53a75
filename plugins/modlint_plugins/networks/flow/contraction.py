"""Einsums of two tensors that depend on the input: which of their channels stay, which meet."""

from __future__ import annotations

import math

import numpy as np

from modlint_plugins.networks.flow.joining import Joiner
from modlint_plugins.networks.flow.labels import NONE, LabelArray, distinct_pairs
from modlint_plugins.networks.flow.nodes import JoinNode
from modlint_plugins.networks.flow.table import NodeTable
from modlint_plugins.networks.flow.traced import Traced

Letters = tuple[str, str, str]
"""Of the axes of both operands, and of the result."""


def summed(joiner: Joiner, x: Traced, own: str, target: str) -> LabelArray:
    """Labels of axes `own`, summed over those that `target` lacks, with axes `target`."""
    gone = {letter for letter in own if letter not in target}
    varying = [i for i, c in enumerate(own) if c in gone and x.labels.shape[i] > 1]
    labels = joiner.summed(x.labels, varying, join=False) if varying else x.labels
    return _lettered(labels, own, target, gone)


def noted_meeting(table: NodeTable, letters: Letters, a: Traced, b: Traced, gone: set[str]) -> bool:
    """Note that channels of two tensors meet along the axes `gone`; False where they cannot."""
    order = "".join(dict.fromkeys(letters[0] + letters[1]))
    sides = [
        _lettered(x.labels, own, order, set()) for x, own in ((a, letters[0]), (b, letters[1]))
    ]
    axes = [
        axis
        for axis, letter in enumerate(order)
        if letter not in gone
        and sides[0].shape[axis] != sides[1].shape[axis]
        and 1 not in (sides[0].shape[axis], sides[1].shape[axis])
    ]
    if axes:
        return False
    left, right = np.broadcast_arrays(*sides)
    both = (left > NONE) & (right > NONE)
    if both.any():
        pairs, _ = distinct_pairs(left[both], right[both])
        size = pairs.shape[1]
        own = np.arange(size)
        per_head = math.prod(left.shape[i] for i, letter in enumerate(order) if letter in gone)
        table.add(
            JoinNode(
                name=f"meeting {len(table.nodes)}",
                size=size,
                base=table.allocate(size),
                kind="meeting",
                operands=[(pairs[0], own), (pairs[1], own)],
                heads=max(1, size // max(1, per_head)),
            )
        )
    return True


def _lettered(labels: LabelArray, own: str, target: str, drop: set[str]) -> LabelArray:
    """Labels of axes `own` with axes `target`; those in `drop` are of size 1 and go."""
    cut = labels[tuple(0 if letter in drop else slice(None) for letter in own)]
    letters = [letter for letter in own if letter not in drop]
    order = sorted(range(len(letters)), key=lambda i: target.index(letters[i]))
    cut = cut.transpose(order)
    sizes = {letters[i]: n for i, n in zip(order, cut.shape, strict=True)}
    return cut.reshape([sizes.get(letter, 1) for letter in target])
