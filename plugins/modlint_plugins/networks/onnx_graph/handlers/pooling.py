"""Pooling and resizing: each channel by itself, other positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, alike, sizes, standard
from modlint_plugins.networks.onnx_graph.refused import Refused

_MOST_OFFSETS = 64


class Windows:
    """The windows of a convolution or pooling, from a node's attributes.

    Args:
        op: the operator.
        kernel: sizes of a window.
    """

    def __init__(self, op: Op, kernel: Sequence[int]) -> None:
        node, dims = op.node, len(kernel)
        self.kernel = kernel
        self.strides = node.integers("strides") or (1,) * dims
        self.dilations = node.integers("dilations") or (1,) * dims
        self.pads = node.integers("pads") or (0,) * (2 * dims)
        self.auto = node.string("auto_pad", "NOTSET")
        self.ceil = bool(node.integer("ceil_mode", 0))
        if min(self.strides, default=1) < 1:
            raise Refused("has strides that cannot be")

    def count(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """Number of windows along each axis of an image.

        Raises:
            Refused: the image is smaller than a window.
        """
        found = [self._along(axis, size) for axis, size in enumerate(spatial)]
        if min(found, default=1) < 1:
            raise Refused(f"has windows larger than the image of {list(spatial)}")
        return sizes(found)

    def before(self, axis: int, size: int) -> int:
        """Padding in front of an axis."""
        if self.auto == "VALID":
            return 0
        if not self.auto.startswith("SAME"):
            return self.pads[axis]
        reach = self.dilations[axis] * (self.kernel[axis] - 1) + 1
        whole = max(0, (self._along(axis, size) - 1) * self.strides[axis] + reach - size)
        return whole // 2 if self.auto == "SAME_UPPER" else -(-whole // 2)

    def _along(self, axis: int, size: int) -> int:
        stride = self.strides[axis]
        if self.auto in ("SAME_UPPER", "SAME_LOWER"):
            return -(-size // stride)
        pads = 0 if self.auto == "VALID" else self.pads[axis] + self.pads[len(self.kernel) + axis]
        room = size + pads - self.dilations[axis] * (self.kernel[axis] - 1) - 1
        return (-(-room // stride) if self.ceil else room // stride) + 1


def _pool(op: Op) -> Result:
    x = op.traced(0)
    kernel = op.node.integers("kernel_shape")
    if kernel is None or x.rank != len(kernel) + 2:
        raise Refused("does not fit the rank of what it pools")
    pooled = windowed(op, x, Windows(op, kernel))
    shape = pooled.shape
    return [pooled, *(op.forgotten(shape, x) for _ in op.node.outputs[1:])]


def windowed(op: Op, x: Traced, windows: Windows) -> Traced:
    """What windows make of an image, channel by channel."""
    counts = windows.count(x.shape[2:])
    for axis, count in enumerate(counts, start=2):
        if x.labels.shape[axis] > 1:
            x = _sliding(op, x, windows, axis, count)
    return op.tracer.pooled(x, (), (*x.shape[:2], *counts))


def _sliding(op: Op, x: Traced, windows: Windows, axis: int, count: int) -> Traced:
    """Windows along one axis along which channels differ: each reads what lies in it."""
    stride, dilation = windows.strides[axis - 2], windows.dilations[axis - 2]
    if windows.kernel[axis - 2] > _MOST_OFFSETS:
        raise Refused("has windows of too many channels")
    first = np.arange(count) * stride - windows.before(axis - 2, x.shape[axis])
    parts = []
    for offset in range(windows.kernel[axis - 2]):
        places = first + offset * dilation
        inside = (places >= 0) & (places < x.shape[axis])
        clipped = np.clip(places, 0, x.shape[axis] - 1)
        mask = inside.reshape(-1, *(1,) * (x.rank - 1 - axis))
        parts += moves.along_axes(
            op.tracer,
            op.name,
            [axis],
            lambda a, c=clipped, m=mask: np.where(m, a.take(c, axis), 0),
            x,
        )
    return op.tracer.join("sum", *parts)


def _unpool(op: Op) -> Result:
    x, given = op.traced(0), op.numbers(2)
    kernel = op.node.integers("kernel_shape") or ()
    strides = op.node.integers("strides") or (1,) * len(kernel)
    pads = op.node.integers("pads") or (0,) * 2 * len(kernel)
    spatial = [
        (size - 1) * stride + window - pads[i] - pads[len(kernel) + i]
        for i, (size, stride, window) in enumerate(zip(x.shape[2:], strides, kernel, strict=True))
    ]
    shape = (*x.shape[:2], *spatial) if given is None else sizes(given)
    return op.tracer.pooled(x, range(2, x.rank), shape)


def resized(op: Op, x: Traced, shape: Sequence[int]) -> Traced:
    """Interpolated along the axes whose size changes."""
    changed = [axis for axis, n in enumerate(shape) if n != x.shape[axis]]
    if any(x.labels.shape[axis] > 1 for axis in changed):
        merged = op.tracer.reduced(op.name, x, changed, keep=True)
        return op.widened(merged, shape)
    return op.tracer.pooled(x, changed, sizes(shape))


def _resize(op: Op) -> Result:
    """Resize and Upsample: sizes or scales, of all axes or of some."""
    x = op.traced(0)
    target = op.numbers(3)
    scales = op.node.attributes.get("scales")
    factors = np.asarray(scales.floats) if scales is not None else None
    if factors is None and (target is None or not target.size):
        factors = op.numbers(2 if op.count > 2 else 1)
    named = op.node.integers("axes")
    axes = [axis % x.rank for axis in (range(x.rank) if named is None else named)]
    shape = list(x.shape)
    given = target if target is not None and target.size else factors
    if given is None or len(given) != len(axes):
        raise Refused("lacks a size for each axis")
    for axis, number in zip(axes, given.tolist(), strict=True):
        shape[axis] = int(number) if given is target else int(np.floor(x.shape[axis] * number))
    return resized(op, x, shape)


def _regions(op: Op) -> Result:
    """RoiAlign and MaxRoiPool: parts of an image, channel by channel."""
    x, boxes = op.traced(0), op.value(1)
    pooled = op.node.integers("pooled_shape")
    height, width = pooled or (
        op.node.integer("output_height", 1),
        op.node.integer("output_width", 1),
    )
    return op.tracer.pooled(x, range(2, x.rank), (boxes.shape[0], x.shape[1], height, width))


def _sampled(op: Op) -> Result:
    """GridSample: an image at other places."""
    x, grid = op.value(0), op.value(1)
    if not isinstance(x, Traced):
        raise Refused("samples a constant")
    return op.tracer.pooled(x, range(2, x.rank), (*x.shape[:2], *grid.shape[1:-1]))


HANDLERS: Handlers = {
    **alike(_pool, "MaxPool", "AveragePool", "LpPool"),
    **alike(_resize, "Resize", "Upsample"),
    **alike(_regions, "RoiAlign", "MaxRoiPool"),
    **standard(MaxUnpool=_unpool, GridSample=_sampled),
}
