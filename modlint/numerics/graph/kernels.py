"""A layer's weight read in pieces that stay in cache, whatever its size and layout."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from modlint.network import Layer, Network
from modlint.numerics.graph.layout import as_kernels
from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import on_numpy

CHUNK = 1 << 17
"""Elements of a piece on the CPU."""

DEVICE_CHUNK = 1 << 24
"""The same on an accelerator."""

Place = tuple[slice, slice, slice]
"""Which of the layer's groups, of a group's rows, and of a row's inputs."""


def in_groups(network: Network, layer: Layer, weight: Array) -> Array:
    """A layer's weight as a view of shape (groups, out/groups, in/groups, kernel positions).

    Raises:
        Unavailable: its shape contradicts the network.
    """
    kernels = as_kernels(network, layer, weight)
    out, *rest = kernels.shape
    return kernels.reshape(layer.groups, out // layer.groups, *rest)


def pieces(kernels: Array) -> Iterator[tuple[Array, Place]]:
    """Parts of a weight that cover it: (groups, rows, inputs, positions) each, and their place.

    Cut along the axis whose entries lie furthest apart, so that each part is read in one go.
    """
    groups, rows, inputs, positions = kernels.shape
    size = CHUNK if on_numpy(kernels) else DEVICE_CHUNK
    whole = slice(None)
    if rows * inputs * positions <= size:
        for some in _slices(groups, size // max(1, rows * inputs * positions)):
            yield kernels[some], (some, whole, whole)
        return
    by_rows = _stride(kernels, 1) >= _stride(kernels, 2)
    line = (inputs if by_rows else rows) * positions
    for group in _slices(groups, 1):
        for some in _slices(rows if by_rows else inputs, size // max(1, line)):
            place = (group, some, whole) if by_rows else (group, whole, some)
            yield kernels[place], place


def flat(kernels: Array) -> Array:
    """A part with inputs and positions on one axis: (groups, rows, inputs · positions)."""
    return kernels.reshape(*kernels.shape[:2], prod(kernels.shape[2:]))


def _slices(size: int, step: int) -> Iterator[slice]:
    step = max(1, step)
    return (slice(i, min(i + step, size)) for i in range(0, size, step))


def _stride(kernels: Array, axis: int) -> int:
    return int(kernels.strides[axis] if on_numpy(kernels) else kernels.stride(axis))
