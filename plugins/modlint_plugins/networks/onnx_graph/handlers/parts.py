"""Operators that take parts of tensors, join them, or put a border around them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, cut, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Array

_MOST_PADDED = 1 << 24
_FEW = 1 << 18


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


HANDLERS: Handlers = {
    **standard(
        Slice=_slice,
        Split=_split,
        Concat=_concat,
        Pad=_pad,
        Compress=_compress,
        CenterCropPad=_center,
    ),
    ("com.microsoft", "Pad"): _pad,
}
