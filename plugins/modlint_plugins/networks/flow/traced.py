"""Tensors that depend on a network's input, and the channels that they carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from modlint_plugins.networks.flow.labels import NONE, LabelArray
from modlint_plugins.networks.flow.nodes import Node

Shape = tuple[int, ...]
Normed = Literal["centred", "layer", "rms"]


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a tensor without labels comes from: what reads it makes its neurons known.

    Attributes:
        name: what it is called.
        is_input: the network's input, as it is or moved.
        parts: labels of the channels that went into it, of a statistic or a meeting.
    """

    name: str
    is_input: bool = False
    parts: LabelArray | None = None
    nodes: dict[tuple[int, int], Node] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Traced:
    """A tensor that depends on the network's input.

    Attributes:
        shape: sizes.
        labels: labels of its elements, squashed.
        origin: where it comes from, of one without labels.
        normed: "centred", "layer" or "rms" where a statistic of its channels has just been
            subtracted from them, or divides them.
    """

    shape: Shape
    labels: LabelArray
    origin: Origin | None = None
    normed: Normed | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def is_lost(self) -> bool:
        """Whether some element could not be followed."""
        return bool((self.labels < NONE).any())

    @property
    def is_unlabelled(self) -> bool:
        """Whether no element carries a channel."""
        return not self.labels.any()

    @property
    def full(self) -> LabelArray:
        """The labels of every element, read-only."""
        return np.broadcast_to(self.labels, self.shape)


def present(labels: LabelArray) -> LabelArray:
    """The distinct channels among labels, in order."""
    return np.unique(labels[labels > NONE])


def parts_of(tensors: Sequence[Traced]) -> LabelArray | None:
    """The channels of tensors, and those that went into tensors without any; None for none."""
    found = [np.zeros(0, dtype=np.int64), *(x.labels[x.labels > NONE] for x in tensors)]
    found += [x.origin.parts for x in tensors if x.origin and x.origin.parts is not None]
    parts = np.unique(np.concatenate(found))
    return parts if parts.size else None
