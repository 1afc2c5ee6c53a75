"""A claimed graph against the truth: exact, partial, wrong, unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from truth.graph import Columns, Edges, Truth, add, folded
from truth.match import Match

Class = Literal["exact", "partial", "wrong", "unknown"]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """What modlint says of a file, by the file's names (see `claims`)."""

    edges: Edges
    placed: set[str]
    unplaced: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """How a claim fares.

    Attributes:
        wrong: claimed pairs of channel and column that nothing depends on, by edge.
        missing: demanded pairs that are not claimed, by edge.
        placed: layers of the module that stand in a network.
        unmatched: claimed tensors that are none of the module's (nothing is said of them).
    """

    kind: Class
    wrong: Edges
    missing: Edges
    placed: set[str]
    layers: int
    unmatched: set[str]

    @property
    def share(self) -> float:
        """The share of layers placed."""
        return len(self.placed) / self.layers if self.layers else 1.0


def judge(truth: Truth, claim: Claim, matches: Mapping[str, Match]) -> Judgement:
    """Compare all edges and all columns."""
    edges = folded(_translated(claim.edges, matches), truth.units)
    wrong = _less(edges, truth.allowed)
    missing = _less(truth.demanded, edges)
    placed = {n for t in claim.placed if t in matches for n in matches[t].names} & truth.counted
    named = {t for edge in claim.edges for t in edge}
    unmatched = {t for t in named if t not in matches}
    return Judgement(
        _kind(wrong, missing, edges, claim), wrong, missing, placed, len(truth.counted), unmatched
    )


def _kind(wrong: Edges, missing: Edges, edges: Edges, claim: Claim) -> Class:
    if wrong:
        return "wrong"
    if not missing:
        return "exact" if edges or claim.placed else "unknown"
    return "partial" if edges else "unknown"


def _less(a: Edges, b: Edges) -> Edges:
    rest = {edge: columns - b.get(edge, set()) for edge, columns in a.items()}
    return {edge: columns for edge, columns in rest.items() if columns}


def _translated(edges: Edges, matches: Mapping[str, Match]) -> Edges:
    channels: dict[str, int] = {}
    lines: dict[str, int] = {}
    for (producer, consumer), columns in edges.items():
        channels[producer] = max(channels.get(producer, 0), *(c for c, _ in columns))
        lines[consumer] = max(lines.get(consumer, 0), *(k for _, k in columns))
    found: Edges = {}
    for (a, b), columns in edges.items():
        if a in matches and b in matches:
            stacked = lines[b] >= matches[b].units
            _add_translated(found, matches[a], matches[b], columns, channels[a], stacked)
    return found


def _add_translated(
    found: Edges, a: Match, b: Match, columns: Columns, highest: int, stacked: bool
) -> None:
    for channel, column in columns:
        for place in a.channel(channel, highest=highest):
            for reader, line in b.columns(column, place, stacked=stacked):
                add(found, (place[0], reader), [(place[1], line)])
