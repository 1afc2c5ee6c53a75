"""Places in a stored tensor: rows and columns of a call, elements of biases and norms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from modlint.network import Call, Layout

Axes = tuple[tuple[int, int], ...]
"""Sizes and strides, in elements, the largest stride first."""


class Line(NamedTuple):
    """Elements of a tensor: `start` and from there along `axes`."""

    tensor: str
    start: int
    axes: Axes = ()


def row(call: Call, number: int) -> Line:
    """The elements of a call's row."""
    return _line(call, number, 1)


def column(call: Call, number: int) -> Line:
    """The elements of a call's column: of all rows of its group."""
    return _line(call, number, 2)


def elements(axes: Axes) -> np.ndarray:
    """Where a line's elements are, from its start on."""
    found = np.zeros(1, np.int64)
    for size, stride in axes:
        found = (found[:, None] + stride * np.arange(size)).reshape(-1)
    return found


def _line(call: Call, number: int, axis: int) -> Line:
    layout = call.layout
    assert layout is not None
    group, place = divmod(number, layout.shape[axis])
    start = layout.offset + group * layout.strides[0] + place * layout.strides[axis]
    back, axes = _canonical(layout, (3 - axis, 3))
    return Line(call.weight, start + back, axes)


def _canonical(layout: Layout, chosen: tuple[int, int]) -> tuple[int, Axes]:
    """Axes of positive strides, those that are one run put together."""
    back, axes = 0, []
    for size, stride in ((layout.shape[a], layout.strides[a]) for a in chosen):
        if size > 1:
            back += min(0, (size - 1) * stride)
            axes.append((size, abs(stride)))
    axes.sort(key=lambda axis: -axis[1])
    if len(axes) == 2 and axes[0][1] == axes[1][0] * axes[1][1]:
        axes = [(axes[0][0] * axes[1][0], axes[1][1])]
    return back, tuple(axes)
