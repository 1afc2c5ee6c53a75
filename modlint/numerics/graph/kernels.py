"""A call's weight, read in pieces that stay in cache, whatever its size and layout."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Call, Layout
from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import on_numpy

CHUNK = 1 << 17
"""Elements of a piece on the CPU."""

DEVICE_CHUNK = 1 << 24
"""The same on an accelerator."""

Place = tuple[slice, slice, slice]
"""Which of the call's groups, of a group's rows, and of a row's inputs."""


def kernels_of(call: Call, weight: Array) -> Array:
    """A view of a weight: (groups, rows of a group, columns of a group, kernel positions).

    Raises:
        Unavailable: the network does not know how they lie in it, or says what the tensor is not.
    """
    layout = call.layout
    if layout is None:
        raise Unavailable(
            f"layer {call.name!r} computes with a weight that is itself computed from "
            f"{call.weight!r}: its entries are not known"
        )
    if not _fits(layout, call, prod(weight.shape)):
        raise Unavailable(
            f"layer {call.name!r}: a weight of shape {list(weight.shape)} does not hold "
            f"{call.rows} rows of {call.columns} columns as the network says"
        )
    return _strided(weight.reshape(-1), layout)


def _fits(layout: Layout, call: Call, elements: int) -> bool:
    """Whether all kernels lie in the tensor, and are those of the call."""
    groups, rows, columns, _ = layout.shape
    if groups * rows != call.rows or groups * columns != call.columns:
        return False
    if not prod(layout.shape):
        return True
    reach = [(n - 1) * step for n, step in zip(layout.shape, layout.strides, strict=True)]
    first = layout.offset + sum(min(0, way) for way in reach)
    return first >= 0 and layout.offset + sum(max(0, way) for way in reach) < elements


def _strided(flat: Array, layout: Layout) -> Array:
    if on_numpy(flat):
        size = flat.itemsize
        # as bytes: numpy has no description of the element types that are not its own
        view = np.lib.stride_tricks.as_strided(
            flat.view(f"V{size}")[layout.offset :],
            layout.shape,
            [step * size for step in layout.strides],
            writeable=False,
        )
        return view.view(flat.dtype)
    whole = _as_a_whole(flat, layout)
    if whole is not None:
        return whole
    back = [axis for axis, step in enumerate(layout.strides) if step < 0]
    offset = layout.offset + sum((layout.shape[a] - 1) * layout.strides[a] for a in back)
    strides = [abs(step) for step in layout.strides]
    view = flat.as_strided(layout.shape, strides, flat.storage_offset() + offset)
    return view.flip(back) if back else view


def _as_a_whole(flat: Array, layout: Layout) -> Array:
    """A view of all elements in an order of axes, of which gradients are quick; None for others."""
    order = sorted(range(4), key=lambda axis: (-layout.strides[axis], -layout.shape[axis]))
    expected = 1
    for axis in reversed(order):
        if layout.shape[axis] != 1 and layout.strides[axis] != expected:
            return None
        expected *= layout.shape[axis]
    if layout.offset or expected != len(flat):
        return None
    back = [order.index(axis) for axis in range(4)]
    return flat.view([layout.shape[axis] for axis in order]).permute(back)


def pieces(kernels: Array) -> Iterator[tuple[Array, Place]]:
    """Parts of a weight that cover it: (groups, rows, inputs, positions) each, and their place.

    Cut along the axis whose entries lie furthest apart, so that each part is read in one go.
    """
    groups, rows, inputs, positions = kernels.shape
    size = CHUNK if on_numpy(kernels) else DEVICE_CHUNK
    whole = slice(None)
    if rows * inputs * positions <= size:
        for some in slices(groups, size // max(1, rows * inputs * positions)):
            yield kernels[some], (some, whole, whole)
        return
    by_rows = _stride(kernels, 1) >= _stride(kernels, 2)
    line = (inputs if by_rows else rows) * positions
    for group in slices(groups, 1):
        for some in slices(rows if by_rows else inputs, size // max(1, line)):
            place = (group, some, whole) if by_rows else (group, whole, some)
            yield kernels[place], place


def flat(kernels: Array) -> Array:
    """A part with inputs and positions on one axis: (groups, rows, inputs · positions)."""
    return kernels.reshape(*kernels.shape[:2], prod(kernels.shape[2:]))


def slices(size: int, step: int) -> Iterator[slice]:
    """Consecutive slices of so many that together are `size`."""
    step = max(1, step)
    return (slice(i, min(i + step, size)) for i in range(0, size, step))


def is_turned(call: Call) -> bool:
    """Whether the weight is stored as (in, out), not as (out, in)."""
    assert call.layout is not None  # noqa: S101 (only those with kernels have edges)
    _, rows, columns, _ = call.layout.strides
    return abs(rows) < abs(columns)


def _stride(kernels: Array, axis: int) -> int:
    return int(kernels.strides[axis] if on_numpy(kernels) else kernels.stride(axis))
