"""Channels of tensors that had none until something read them channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modlint_plugins.networks.flow.labels import along, squashed
from modlint_plugins.networks.flow.nodes import InputNode, JoinNode, Node
from modlint_plugins.networks.flow.table import NodeTable
from modlint_plugins.networks.flow.traced import Origin, Traced


def is_table(x: Traced) -> bool:
    """Whether it is an input with two axes that has no channels yet."""
    return x.rank == 2 and x.is_unlabelled and x.origin is not None and x.origin.is_input


def claimed(table: NodeTable, x: Traced, axis: int) -> Traced:
    """The tensor with its origin's channels along an axis, where it has no labels."""
    axis %= x.rank
    if x.origin is None or not x.is_unlabelled:
        return x
    key = (axis - x.rank, x.shape[axis])
    node = x.origin.nodes.get(key)
    if node is None:
        node = x.origin.nodes[key] = _node_of(table, x.origin, x.shape[axis])
    return replace(x, labels=squashed(along(node.labels, axis, x.rank)), origin=None)


def claimed_alike(table: NodeTable, operands: Sequence[Traced]) -> tuple[Traced, ...]:
    """Inputs get channels along the axis along which what they are joined with has its own."""
    axes = {
        axis - x.rank
        for x in operands
        for axis, n in enumerate(x.labels.shape)
        if n > 1 and not x.is_lost
    }
    if len(axes) != 1:
        return tuple(operands)
    (axis,) = axes
    size = max(x.shape[axis] for x in operands if x.rank >= -axis)
    return tuple(
        claimed(table, x, axis)
        if x.origin is not None and x.origin.is_input and x.rank >= -axis and x.shape[axis] == size
        else x
        for x in operands
    )


def _node_of(table: NodeTable, origin: Origin, size: int) -> Node:
    base = table.allocate(size)
    node: Node
    if origin.parts is None:
        node = InputNode(name=origin.name, size=size, base=base, altered=not origin.is_input)
    else:
        node = JoinNode(
            name=origin.name,
            size=size,
            base=base,
            kind="statistic",
            operands=[],
            parts=origin.parts,
        )
    table.add(node)
    return node
