"""Operators that move axes about: flatten, reshape, transpose, squeeze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from modlint_plugins.networks.onnx_graph import constants
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.values import Columns, Input, Integers, Signal, Stop, Value
from modlint_plugins.networks.onnx_graph.walk import Handler, Walk


def axes_of(walk: Walk, node: Node, index: int = 1) -> tuple[int, ...] | None:
    """The axes that a node names, as attribute or as input; None where it names none.

    Raises:
        Stop: they are computed at run time.
    """
    named = node.integers("axes")
    if named is not None or index >= len(node.inputs) or not node.inputs[index]:
        return named
    found = constants.known(constants.integers(walk.operand(node, index)))
    if found is None:
        raise Stop(node, f"({node.op}) computes its axes at run time")
    return found


def normalised(node: Node, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front.

    Raises:
        Stop: one does not exist.
    """
    if any(not -rank <= axis < rank for axis in axes):
        raise Stop(node, f"({node.op}) names an axis that its input of {rank} axes does not have")
    return tuple(axis % rank for axis in axes)


def shape(walk: Walk, node: Node) -> Value:
    """The sizes of a value, as far as they are known; the first is the batch."""
    data = walk.data(node)
    if isinstance(data, Input):
        sizes = (None,) * 4 if data.shape is None else data.shape
        return Integers((None, *sizes[1:])[node.integer("start", 0) :][: node.integer("end", 64)])
    known: list[int | None] = [None] * data.rank
    if data.axis is not None and data.columns == "unit":
        known[data.axis] = walk.groups[data.group]
    return Integers(tuple(known)[node.integer("start", 0) :][: node.integer("end", 64)])


def flatten(walk: Walk, node: Node) -> Input | Signal:
    """Flatten: two axes, those before `axis` and the rest."""
    data, axis = walk.data(node), node.integer("axis", 1)
    if isinstance(data, Input):
        return Input(data.name, (None, None))
    axis = axis % data.rank if axis < 0 else axis
    if axis == data.axis == data.rank - 1:
        return replace(data, rank=2, axis=1)
    if axis != 1:
        raise Stop(node, f"(Flatten) merges the axes before axis {axis} into the batch")
    return _merged(node, data)


def _merged(node: Node, data: Signal) -> Signal:
    """All axes but the first become one."""
    if data.axis in (None, 0):
        raise Stop(node, f"({node.op}) merges neurons with an axis that modlint cannot follow")
    if data.rank == 2:
        return data
    if data.columns != "unit" or data.axis not in (1, data.rank - 1):
        raise Stop(node, f"({node.op}) merges neurons and positions in a mixed order")
    columns: Columns = "channel-major" if data.axis == 1 else "position-major"
    return replace(data, rank=2, axis=1, columns=columns, direct=False)


def reshape(walk: Walk, node: Node) -> Input | Signal:
    """Reshape, where it flattens positions or merges axes that hold no neurons."""
    data = walk.data(node)
    target = node.integers("shape") or constants.integers(walk.operand(node, 1))
    if isinstance(data, Input):
        sizes = target if target and 0 not in target else None
        return Input(data.name, _unknown(sizes) if sizes else None)
    if not target:
        raise Stop(node, "(Reshape) computes its shape at run time")
    neurons = walk.groups[data.group]
    if data.columns != "unit":
        return _unflattened(node, data, target, neurons)
    axis = _axis_kept(data, target, neurons)
    flattens = len(target) == 2 and data.rank > 2 and data.axis is not None
    if axis is None and flattens and _is_multiple(target[1], neurons):
        return _merged(node, data)
    if axis is None:
        shown = [size if size is not None else "?" for size in target]
        raise Stop(node, f"(Reshape) splits or mixes {neurons:,} neurons into the shape {shown}")
    if flattens and data.axis == 1:
        if target[0] == -1 and not data.pooled:
            raise Stop(
                node,
                f"(Reshape) makes rows of {neurons:,}, as many as there are channels, and the "
                "graph does not show that each channel has one position only",
            )
        return _merged(node, data)
    return replace(data, rank=len(target), axis=axis)


def _unknown(sizes: Sequence[int | None]) -> tuple[int | None, ...]:
    return tuple(None if size == -1 else size for size in sizes)


def _is_multiple(size: int | None, neurons: int) -> bool:
    return size is None or size == -1 or (size > 0 and neurons > 0 and not size % neurons)


def _axis_kept(data: Signal, target: Sequence[int | None], neurons: int) -> int | None:
    """Where the neurons' axis lies after a Reshape that leaves it alone, else None."""
    if data.axis is None:
        return None
    first, last = data.axis == 0, data.axis == data.rank - 1
    if len(target) == data.rank and target[data.axis] in (0, neurons):
        return data.axis
    if len(target) == data.rank == 2 and target[data.axis] in (-1, None):
        return data.axis
    for axis, size in enumerate(target):
        if size == neurons and (axis == 0) == first and (axis == 1 or last or data.axis != 1):
            return axis
    return None


def _unflattened(node: Node, data: Signal, target: Sequence[int | None], neurons: int) -> Signal:
    """A Reshape of flattened neurons: none at all, or back into channels and positions."""
    if len(target) == 2:
        return data
    if data.columns == "channel-major" and len(target) > 2 and target[1] == neurons:
        return replace(data, rank=len(target), axis=1, columns="unit")
    if data.columns == "position-major" and len(target) > 2 and target[-1] == neurons:
        return replace(data, rank=len(target), axis=len(target) - 1, columns="unit")
    shown = [size if size is not None else "?" for size in target]
    raise Stop(node, f"(Reshape) splits flattened neurons into the shape {shown}")


def transpose(walk: Walk, node: Node) -> Input | Signal:
    """Transpose: the neurons' axis moves; positions may change their order."""
    data = walk.data(node)
    if isinstance(data, Input):
        return Input(data.name, None if data.shape is None else (None,) * len(data.shape))
    order = node.integers("perm") or tuple(reversed(range(data.rank)))
    order = normalised(node, order, data.rank)
    if len(set(order)) != data.rank or len(order) != data.rank:
        raise Stop(node, "(Transpose) does not name every axis once")
    axis = None if data.axis is None else order.index(data.axis)
    return replace(data, axis=axis)


def squeeze(walk: Walk, node: Node) -> Input | Signal:
    """Squeeze: axes of size 1 go; without names, all that hold no neurons but the first."""
    data, axes = walk.data(node), axes_of(walk, node)
    if isinstance(data, Input):
        return Input(data.name, None)
    kept = (0, data.axis)
    gone = (
        {i for i in range(data.rank) if i not in kept}
        if axes is None
        else set(normalised(node, axes, data.rank))
    )
    return _without(walk, node, data, gone)


def _without(walk: Walk, node: Node, data: Signal, gone: set[int]) -> Signal:
    if data.axis in gone and walk.groups[data.group] != 1:
        raise Stop(node, f"({node.op}) removes the axis along which the neurons lie")
    rank = data.rank - len(gone)
    if data.axis is None or data.axis in gone:
        return replace(data, rank=rank, axis=None)
    return replace(data, rank=rank, axis=data.axis - sum(i < data.axis for i in gone))


def unsqueeze(walk: Walk, node: Node) -> Input | Signal:
    """Unsqueeze: axes of size 1 come."""
    data, axes = walk.data(node), axes_of(walk, node)
    if isinstance(data, Input) or not axes:
        return Input(data.name, None) if isinstance(data, Input) else data
    rank = data.rank + len(axes)
    added = set(normalised(node, axes, rank))
    places = [i for i in range(rank) if i not in added]
    axis = None if data.axis is None else places[data.axis]
    return replace(data, rank=rank, axis=axis)


HANDLERS: Mapping[str, Handler] = {
    "Shape": shape,
    "Flatten": flatten,
    "Reshape": reshape,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
}
