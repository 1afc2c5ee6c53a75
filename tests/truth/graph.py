"""Edges between weights, and what is true of a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Columns = set[tuple[int, int]]
Edges = dict[tuple[str, str], Columns]


@dataclass
class Truth:
    """What was measured of a network, by the name of each weight.

    Channels and columns are those of the call that uses the weight: output channels and input
    channels of the activation (of all groups of a grouped convolution), for every layout of the
    stored tensor; where only a slice of it is used, its stored rows. Of a recurrent layer a channel
    is a unit, whatever its gate.

    Attributes:
        required: (producer, consumer) → pairs of channel and column that the flow rules give.
        allowed: what depends at all: `required`, and what reaches a column through a sum, mean or
            maximum over channels only. A claim outside it is wrong.
        layers: tensor → its output channels and input columns.
        optional: tables that are read at fixed places (positions): a file may hold them as plain
        optional: tables that are read at fixed places (positions), and what such a table is
            multiplied to: a file may hold them as plain constants, so nothing is required of them.
        units: tensor → number that folds its channels: hidden units of a recurrent layer.
        aliases: name of a tied tensor → the name used here.
    """

    required: Edges = field(default_factory=dict)
    allowed: Edges = field(default_factory=dict)
    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    units: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def counted(self) -> set[str]:
        """The layers of which a share is placed."""
        return set(self.layers) - self.optional

    @property
    def demanded(self) -> Edges:
        """The edges that an exact claim names, without those of fixed tables."""
        return {edge: c for edge, c in self.required.items() if not self.optional & set(edge)}


def add(edges: Edges, pair: tuple[str, str], columns: Iterable[tuple[int, int]]) -> None:
    """Add pairs of channel and column to an edge."""
    found = set(columns)
    if found:
        edges.setdefault(pair, set()).update(found)


def folded(edges: Edges, units: Mapping[str, int]) -> Edges:
    """The channels of recurrent weights by unit: row 2H + j of gate 2 is unit j."""
    result: Edges = {}
    for (producer, consumer), columns in edges.items():
        size = units.get(producer)
        add(result, (producer, consumer), ((c % size, k) for c, k in columns) if size else columns)
    return result
