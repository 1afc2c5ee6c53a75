"""Where views and runs of a tensor's elements lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.network import Layout

Array = NDArray[Any]


def layout_of(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Layout:
    """The layout of a view of four axes; a step along an axis of size 1 does not matter."""
    own = tuple(s if n > 1 else 1 for n, s in zip(shape, strides, strict=True))
    return Layout(offset, shape, own)  # type: ignore[arg-type]


def regular(index: NDArray[np.int64]) -> tuple[Layout, NDArray[np.int64] | None] | None:
    """The layout of elements by their numbers, rows sorted by where they lie."""
    order = np.argsort(index[0, :, 0, 0]) if index.shape[0] == 1 and index.size else None
    if order is None:
        return None
    found = index[:, order]
    first = int(found[0, 0, 0, 0])
    strides = tuple(
        int(found.take([1], axis).flat[0]) - first if n > 1 else 1
        for axis, n in enumerate(found.shape)
    )
    rebuilt = np.asarray(first, dtype=np.int64)
    for size, stride in zip(found.shape, strides, strict=True):
        rebuilt = rebuilt[..., None] + stride * np.arange(size)
    if not np.array_equal(rebuilt, found):
        return None
    moved = not np.array_equal(order, np.arange(len(order)))
    return layout_of(first, found.shape, strides), order if moved else None


def base_of(view: Array) -> Array:
    """The array that a view is of."""
    while isinstance(view.base, np.ndarray):
        view = view.base
    return view


def address_of(array: Array) -> int:
    """Where an array's first element is in memory."""
    return int(array.__array_interface__["data"][0])
