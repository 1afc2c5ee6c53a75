"""Operators that put elements elsewhere: shapes, orders of axes, parts and their joining."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.constants import shape_of, size_of
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, sizes, standard
from modlint_plugins.networks.onnx_graph.refused import Refused

_MOST_PADDED = 1 << 24
_FEW = 1 << 18


def _same(op: Op) -> Result:
    """One input passes on what it is; a mask beside it is not followed."""
    return op.at(0)


def _kept(op: Op) -> Result:
    """What passes on its input, and what has just been made of it."""
    value, scope, node = op.at(0), op.walk.scope, op.node
    if scope.readers[node.inputs[0]] == 1 and node.inputs[0] in scope.fresh:
        scope.fresh[node.output] = scope.fresh[node.inputs[0]]
    if node.inputs[0] in scope.normed:
        scope.normed[node.output] = scope.normed[node.inputs[0]]
    return value


def _reshape(op: Op) -> Result:
    x = op.value(0)
    target = op.integers("shape", 1)
    if target is None:
        raise Refused("lacks a shape")
    _note(op)
    return op.reshaped(x, resolved(x.shape, target, bool(op.node.integer("allowzero", 0))))


def resolved(shape: Sequence[int], target: Sequence[int], zeros: bool = False) -> tuple[int, ...]:
    """The shape that Reshape means: 0 keeps a size, −1 takes what is left.

    Raises:
        Refused: no such shape has as many elements.
    """
    found = [shape[i] if n == 0 and not zeros else n for i, n in enumerate(target)]
    if -1 in found:
        rest = math.prod(n for n in found if n != -1)
        found[found.index(-1)] = math.prod(shape) // rest if rest else 0
    if math.prod(found) != math.prod(shape):
        raise Refused(f"makes {list(target)} of {list(shape)}")
    return sizes(found)


def _note(op: Op) -> None:
    """A normalisation that has been applied stays applied to moved elements."""
    normed = op.walk.scope.normed
    if op.node.inputs[0] in normed:
        normed[op.node.output] = normed[op.node.inputs[0]]


def _transpose(op: Op) -> Result:
    x = op.value(0)
    order = op.node.integers("perm") or tuple(reversed(range(x.rank)))
    _note(op)
    return op.transposed(x, [axis % x.rank for axis in order])


def _flatten(op: Op) -> Result:
    x = op.value(0)
    axis = op.node.integer("axis", 1)
    axis += x.rank if axis < 0 else 0
    return op.reshaped(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def _squeeze(op: Op) -> Result:
    x = op.value(0)
    axes = op.integers("axes", 1)
    gone = {a % x.rank for a in axes} if axes else {i for i, n in enumerate(x.shape) if n == 1}
    return op.reshaped(x, [n for i, n in enumerate(x.shape) if i not in gone])


def _unsqueeze(op: Op) -> Result:
    x = op.value(0)
    axes = op.integers("axes", 1) or ()
    rank = x.rank + len(axes)
    added = {axis % rank for axis in axes}
    rest = iter(x.shape)
    return op.reshaped(x, [1 if i in added else next(rest) for i in range(rank)])


def _expand(op: Op) -> Result:
    x, target = op.value(0), op.numbers(1)
    shape = np.broadcast_shapes(x.shape, sizes([] if target is None else target))
    if isinstance(x, Traced):
        return op.widened(x, shape)
    return x.moved(lambda a: np.broadcast_to(a, shape), copies=False)


def _tile(op: Op) -> Result:
    x = op.value(0)
    repeats = op.integers("", 1)
    if repeats is None or len(repeats) != x.rank:
        raise Refused("repeats in a way that is not followed")
    if math.prod(sizes(repeats)) * math.prod(x.shape) > _MOST_PADDED:
        raise Refused("makes too many elements")
    return op.along(
        [i for i, n in enumerate(repeats) if n != 1],
        lambda a: np.tile(a, [n if n != 1 else 1 for n in repeats]),
        x,
    )


def _depth_to_space(op: Op) -> Result:
    x, block = op.value(0), op.node.integer("blocksize", 1)
    n, c, h, w = x.shape
    if op.node.string("mode", "DCR") == "DCR":
        shape, order = (n, block, block, c // block**2, h, w), (0, 3, 4, 1, 5, 2)
    else:
        shape, order = (n, c // block**2, block, block, h, w), (0, 1, 4, 2, 5, 3)
    y = op.transposed(op.reshaped(x, shape), order)
    return op.reshaped(y, (n, c // block**2, h * block, w * block))


def _space_to_depth(op: Op) -> Result:
    x, block = op.value(0), op.node.integer("blocksize", 1)
    n, c, h, w = x.shape
    y = op.reshaped(x, (n, c, h // block, block, w // block, block))
    y = op.transposed(y, (0, 3, 5, 1, 2, 4))
    return op.reshaped(y, (n, c * block**2, h // block, w // block))


def _diagonal(op: Op) -> Result:
    """Trilu: elements that are cleared carry no channel, which nothing needs to know."""
    return op.at(0)


HANDLERS: Handlers = {
    **alike(_kept, "Identity", "Cast", "CastLike", "Dropout"),
    **alike(_same, "ReverseSequence", "Optional", "OptionalGetElement"),
    **standard(
        Reshape=_reshape,
        Transpose=_transpose,
        Flatten=_flatten,
        Squeeze=_squeeze,
        Unsqueeze=_unsqueeze,
        Expand=_expand,
        Tile=_tile,
        DepthToSpace=_depth_to_space,
        SpaceToDepth=_space_to_depth,
        Trilu=_diagonal,
        Shape=shape_of,
        Size=size_of,
    ),
    ("com.microsoft", "Trilu"): _diagonal,
}
