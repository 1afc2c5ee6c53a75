"""Sequences of tensors."""

from __future__ import annotations

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.onnx_graph.op import Handlers, Items, Op, Result, cut, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static


def _empty(op: Op) -> Result:
    del op
    return Items()


def _constructed(op: Op) -> Result:
    return Items(op.value(index) for index in range(op.count))


def _place(op: Op, index: int, default: int) -> int:
    value = op.at(index)
    if value is None:
        return default
    if not isinstance(value, Static) or value.scalar is None:
        raise Refused("takes a place that depends on the input")
    return int(value.scalar)


def _at(op: Op) -> Result:
    return op.items(0)[_place(op, 1, 0)]


def _inserted(op: Op) -> Result:
    items = Items(op.items(0))
    items.insert(_place(op, 2, len(items)), op.value(1))
    return items


def _erased(op: Op) -> Result:
    items = Items(op.items(0))
    items.pop(_place(op, 1, -1))
    return items


def _length(op: Op) -> Result:
    return Static.number(len(op.items(0)))


def _joined(op: Op) -> Result:
    """ConcatFromSequence: along an axis, or along a new one."""
    parts = [op.as_traced(item) for item in op.items(0)]
    if not parts:
        raise Refused("joins nothing")
    if op.node.integer("new_axis", 0):
        axis = op.axis(0, parts[0].rank + 1)
        parts = [op.as_traced(op.reshaped(x, (*x.shape[:axis], 1, *x.shape[axis:]))) for x in parts]
    else:
        axis = op.axis(0, parts[0].rank)
    return moves.concat(op.tracer, op.name, axis, *parts)


def _split(op: Op) -> Result:
    """SplitToSequence: into parts of one element where no sizes are given."""
    x = op.value(0)
    axis, given = op.axis(0, x.rank), op.numbers(1)
    size = x.shape[axis]
    if given is not None and given.ndim:
        lengths = [int(n) for n in given]
    else:
        each = 1 if given is None else max(1, int(given))
        lengths = [min(each, size - start) for start in range(0, min(size, _MOST * each), each)]
    if sum(lengths) != size:
        raise Refused(f"splits {size:,} elements into {len(lengths):,} parts")
    parts, start = Items(), 0
    for length in lengths:
        part = op.along([axis], cut(axis, start, start + length), x)
        if given is None and not op.node.integer("keepdims", 1):
            part = op.reshaped(part, [n for i, n in enumerate(part.shape) if i != axis])
        parts.append(part)
        start += length
    return parts


_MOST = 1 << 12

HANDLERS: Handlers = standard(
    SequenceEmpty=_empty,
    SequenceConstruct=_constructed,
    SequenceAt=_at,
    SequenceInsert=_inserted,
    SequenceErase=_erased,
    SequenceLength=_length,
    ConcatFromSequence=_joined,
    SplitToSequence=_split,
)
