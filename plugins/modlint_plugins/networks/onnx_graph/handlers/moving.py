"""Operators that put elements elsewhere: shapes, orders of axes, parts and their joining."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.tracer import Traced
from modlint_plugins.networks.onnx_graph.folds import shape_of, size_of
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, cut, sizes, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Array

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


def _slice(op: Op) -> Result:
    x = op.value(0)
    starts, ends = op.integers("starts", 1), op.integers("ends", 2)
    if starts is None or ends is None:
        raise Refused("lacks its bounds")
    axes = op.integers("axes", 3) or tuple(range(len(starts)))
    steps = op.integers("steps", 4) or (1,) * len(starts)
    cuts = [slice(None)] * x.rank
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cuts[axis % x.rank] = _cut(start, end, step, x.shape[axis % x.rank])
    return op.along(axes, lambda a: a[tuple(cuts)], x)


def _cut(start: int, end: int, step: int, size: int) -> slice:
    """The slice of Python that takes what ONNX's takes."""
    start, end = (n + size if n < 0 else n for n in (start, end))
    if step > 0:
        return slice(min(max(start, 0), size), min(max(end, 0), size), step)
    first, last = min(max(start, 0), size - 1), min(max(end, -1), size - 1)
    return slice(first, None if last < 0 else last, step)


def _split(op: Op) -> Result:
    x = op.value(0)
    axis = op.axis(0, x.rank)
    lengths = op.integers("split", 1)
    if lengths is None:
        count = len(op.node.outputs)
        each = -(-x.shape[axis] // count)
        lengths = tuple(max(0, min(each, x.shape[axis] - i * each)) for i in range(count))
    starts = np.cumsum([0, *lengths]).tolist()
    return [
        op.along([axis], cut(axis, start, start + length), x)
        for start, length in zip(starts, lengths, strict=False)
    ]


def _concat(op: Op) -> Result:
    parts = [op.as_traced(op.value(index)) for index in range(op.count)]
    axis = op.axis(0, parts[0].rank)
    parts = [part for part in parts if 0 not in part.shape] or parts[:1]
    return moves.concat(op.tracer, op.name, axis, *parts)


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


def _pad(op: Op) -> Result:
    x = op.value(0)
    pads = op.integers("pads", 1) or op.integers("paddings") or ()
    axes = [axis % x.rank for axis in (op.integers("axes", 3) or range(x.rank))]
    if len(pads) != 2 * len(axes):
        raise Refused("pads in a way that is not followed")
    around = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    mode = op.node.string("mode", "constant")
    touched = [axis for axis, both in around.items() if any(both)]
    if isinstance(x, Traced) and not _is_small(x, touched):
        return _widely_padded(op, x, around, mode)
    return op.along(touched, lambda a: _padded(a, around, mode), x)


def _is_small(x: Traced, axes: Sequence[int]) -> bool:
    sizes = [n if i in axes else x.labels.shape[i] for i, n in enumerate(x.shape)]
    return math.prod(sizes) <= _FEW


def _widely_padded(op: Op, x: Traced, around: dict[int, tuple[int, int]], mode: str) -> Result:
    """An image with a border, whose elements are taken for the image's: a convolution reads it."""
    even = [a for a, both in around.items() if x.labels.shape[a] == 1 and x.shape[a] > 1]
    rest = {axis: both for axis, both in around.items() if axis not in even}
    shape = [n + sum(around[i]) if i in even else n for i, n in enumerate(x.shape)]
    y = op.tracer.pooled(x, (), shape)
    touched = [axis for axis, both in rest.items() if any(both)]
    return op.along(touched, lambda a: _padded(a, rest, mode), y)


def _padded(a: Array, around: dict[int, tuple[int, int]], mode: str) -> Array:
    """An array cut by negative pads and widened by positive ones."""
    cuts = [slice(None)] * a.ndim
    grow = [(0, 0)] * a.ndim
    for axis, (before, after) in around.items():
        cuts[axis] = slice(max(0, -before), a.shape[axis] - max(0, -after))
        grow[axis] = (max(0, before), max(0, after))
    inner = a[tuple(cuts)]
    if math.prod(n + sum(g) for n, g in zip(inner.shape, grow, strict=True)) > _MOST_PADDED:
        raise Refused("makes too many elements")
    if mode == "constant":
        return np.pad(inner, grow)
    return np.pad(inner, grow, mode={"wrap": "wrap", "edge": "edge"}.get(mode, "reflect"))  # type: ignore[call-overload,no-any-return]


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


def _compress(op: Op) -> Result:
    x, mask = op.value(0), op.numbers(1)
    if mask is None or "axis" not in op.node.attributes:
        raise Refused("takes elements that are not known")
    axis = op.axis(0, x.rank)
    places = np.flatnonzero(mask)
    return op.along([axis], lambda a: a.take(places, axis), x)


def _center(op: Op) -> Result:
    """CenterCropPad."""
    x, target = op.value(0), op.integers("", 1) or ()
    axes = [axis % x.rank for axis in (op.node.integers("axes") or range(x.rank))]
    around = {}
    for axis, size in zip(axes, target, strict=True):
        more = size - x.shape[axis]
        before = more // 2 if more >= 0 else -(-more // 2)
        around[axis] = (before, more - before)
    return op.along(axes, lambda a: _padded(a, around, "constant"), x)


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
        Slice=_slice,
        Split=_split,
        Concat=_concat,
        Expand=_expand,
        Tile=_tile,
        Pad=_pad,
        DepthToSpace=_depth_to_space,
        SpaceToDepth=_space_to_depth,
        Compress=_compress,
        CenterCropPad=_center,
        Trilu=_diagonal,
        Shape=shape_of,
        Size=size_of,
    ),
    ("com.microsoft", "Trilu"): _diagonal,
    ("com.microsoft", "Pad"): _pad,
}
