"""Operators that leave each neuron a neuron: pooling, reductions over positions, padding."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from modlint_plugins.networks.onnx_graph import constants
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.shapes import axes_of, normalised
from modlint_plugins.networks.onnx_graph.values import Input, Signal, Stop
from modlint_plugins.networks.onnx_graph.walk import Handler, Walk

_SAME = ("Identity", "Dropout", "Cast", "CastLike")
_GLOBAL = ("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool")
_POOLS = ("MaxPool", "AveragePool", "LpPool", *_GLOBAL)
_LOCAL = ("LRN", "Resize", "Upsample")
_REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum")


def same(walk: Walk, node: Node) -> Input | Signal:
    """What leaves its input as it is."""
    return walk.data(node)


def pool(walk: Walk, node: Node) -> Input | Signal:
    """A function of the positions of one channel; channels lie along axis 1."""
    data = walk.data(node)
    if isinstance(data, Input):
        return data
    if data.axis != 1 or data.columns != "unit":
        raise Stop(node, f"({node.op}) does not find its channels along axis 1")
    return replace(data, direct=False, pooled=node.op in _GLOBAL)


def reduce(walk: Walk, node: Node) -> Input | Signal:
    """A reduction over positions."""
    data, axes = walk.data(node), axes_of(walk, node)
    if isinstance(data, Input):
        return Input(data.name, None)
    gone = set(range(data.rank)) if axes is None else set(normalised(node, axes, data.rank))
    if data.axis is None or data.axis in gone:
        raise Stop(node, f"({node.op}) reduces over neurons, which modlint does not rebuild yet")
    pooled = data.pooled or {0, data.axis, *gone} == set(range(data.rank))
    if node.integer("keepdims", 1):
        return replace(data, direct=False, pooled=pooled)
    axis = data.axis - sum(i < data.axis for i in gone)
    return replace(data, rank=data.rank - len(gone), axis=axis, direct=False, pooled=pooled)


def pad(walk: Walk, node: Node) -> Input | Signal:
    """Padding of positions.

    Where the amounts are computed at run time they are taken to be of positions: padded channels
    would not fit the layer that reads them.
    """
    data = walk.data(node)
    if isinstance(data, Input):
        return data
    pads = node.integers("pads") or constants.known(constants.integers(walk.operand(node, 1)))
    if pads is None:
        return replace(data, direct=False, pooled=False)
    axes = tuple(range(data.rank))
    if len(node.inputs) > 3 and node.inputs[3]:
        axes = normalised(node, axes_of(walk, node, 3) or (), data.rank)
    padded = {axis for axis, a, b in zip(axes, pads, pads[len(axes) :], strict=False) if a or b}
    if data.axis in padded:
        raise Stop(node, "(Pad) adds neurons, which modlint does not rebuild yet")
    return replace(data, direct=data.direct and not padded, pooled=data.pooled and not padded)


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys((*_POOLS, *_LOCAL), pool),
    **dict.fromkeys(_REDUCTIONS, reduce),
    "Pad": pad,
}
