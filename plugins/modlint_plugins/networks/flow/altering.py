"""Which nodes' numbers reach their readers as their operation makes them.

A tracer follows channels: a scale, a sum over positions or an attention passes them on, and changes
what they carry. Whoever bounds values needs to know where that happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from modlint_plugins.networks.flow.labels import NONE
from modlint_plugins.networks.flow.nodes import CallNode, InputNode, JoinNode, Node, PointNode
from modlint_plugins.networks.flow.table import NodeTable
from modlint_plugins.networks.flow.traced import Traced


class Care(Enum):
    """What an operation of a front end does to the numbers that it reads.

    Attributes:
        MOVES: each of its results is one of them, or a mean or extreme of several of one channel.
        MAKES: it makes new channels by the call, norm or activation that is noted.
        BIASES: the same, and reads a bias that the call must have.
        JOINS: it adds or multiplies, as noted.
        ALTERS: anything else.
    """

    MOVES = "moves"
    MAKES = "makes"
    BIASES = "biases"
    JOINS = "joins"
    ALTERS = "alters"


class Position(NamedTuple):
    """How far a tracer is: nodes that there are, and the label that the next one begins with."""

    nodes: int
    label: int


def note(table: NodeTable, since: Position, results: Any, care: Care) -> None:
    """Mark what an operation has altered, given what it made since a position."""
    fresh = [node for node in table.nodes[since.nodes :] if not isinstance(node, InputNode)]
    for x in _traced(results):
        _note_result(table, since, x, care)
    for node in fresh:
        node.altered |= not _is_right(node, care)


def alter(table: NodeTable, tensors: Iterable[Traced]) -> None:
    """Mark all channels of some tensors."""
    for x in tensors:
        for node in table.of(x.labels):
            node.altered = True


def _note_result(table: NodeTable, since: Position, x: Traced, care: Care) -> None:
    carried = x.labels > NONE
    if not carried.any():
        return
    if care is Care.ALTERS or not carried.all():
        alter(table, [x])
    elif care is not Care.MOVES:
        for node in table.of(x.labels[carried & (x.labels < since.label)]):
            node.altered = True


def _is_right(node: Node, care: Care) -> bool:
    """Whether a node that an operation has made says what the operation does."""
    if care in (Care.ALTERS, Care.MOVES):
        return False
    if isinstance(node, JoinNode):
        return care is Care.JOINS
    if isinstance(node, PointNode) and care is Care.JOINS:
        return node.norm is not None and node.norm.kind == "affine"
    return not (isinstance(node, CallNode) and care is Care.BIASES and node.weight.bias is None)


def _traced(results: Any) -> Iterator[Traced]:
    if isinstance(results, Traced):
        yield results
    elif isinstance(results, list | tuple):
        for part in results:
            yield from _traced(part)
