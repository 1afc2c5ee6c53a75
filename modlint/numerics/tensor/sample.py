"""Some elements of a tensor, read without the others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import on_numpy, wide

_RUN = 64
"""Elements that are taken side by side: a page holds more, and is read whole."""


def elements_at(values: Array, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """The elements at row-major indices, whatever the strides: in float64, shape of `indices`."""
    where = np.unravel_index(indices, tuple(values.shape))
    if on_numpy(values):
        picked: NDArray[np.float64] = wide(values[where])
        return picked
    import torch

    on_device = tuple(torch.from_numpy(axis).to(values.device) for axis in where)
    moved: NDArray[np.float64] = values[on_device].double().cpu().numpy()
    return moved


def spread_sample(values: Array, most: int) -> NDArray[np.float64]:
    """At most so many elements in short runs that are spread evenly; always the same ones."""
    elements = math.prod(values.shape)
    if elements <= most:
        return elements_at(values, np.arange(elements))
    starts = np.linspace(0, elements - _RUN, most // _RUN).astype(np.int64)
    return elements_at(values, (starts[:, None] + np.arange(_RUN)).reshape(-1))


def spread_indices(size: int, most: int) -> NDArray[np.int64]:
    """At most so many indices below `size`, spread evenly."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).astype(np.int64))


def spread_columns(width: int, most: int) -> NDArray[np.int64]:
    """At most so many columns, in four runs side by side; all where there are no more."""
    if width <= most:
        return np.arange(width)
    run = most // 4
    starts = np.linspace(0, width - run, 4).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(run))


def rows_of(
    values: Array, start: int, stop: int, columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Some columns of rows that follow each other; the columns run over all axes but the first."""
    if on_numpy(values) and values.flags.c_contiguous:
        picked: NDArray[np.float64] = wide(values.reshape(len(values), -1)[start:stop, columns])
        return picked
    width = math.prod(values.shape[1:])
    return elements_at(values, np.arange(start, stop)[:, None] * width + columns)
