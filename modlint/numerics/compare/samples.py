"""Elements of tensors at fixed places: enough to tell which tensor holds another's content."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from modlint.numerics.compare.blocks import Numbers, flat

PLACES = 1024
"""Elements that stand for a tensor."""

_ROWS, _WIDTH = 32, 64
"""Rows of a tensor, and elements of each, that tell their directions."""

Axes = tuple[int, ...] | None
"""An order of axes; None for a row-major reading in another shape."""

_FOUR = ((0, 1, 2, 3), (3, 2, 0, 1), (2, 3, 1, 0), (0, 2, 3, 1), (0, 3, 1, 2), (1, 0, 2, 3))
"""Orders in which frameworks keep the weights of convolutions."""


def places(elements: int) -> Numbers:
    """Row-major indices of the elements that stand for a tensor: all, or random ones."""
    if elements <= PLACES:
        return np.arange(elements)
    return np.sort(np.random.default_rng(elements).choice(elements, PLACES, replace=False))


def layouts(shape: tuple[int, ...], target: tuple[int, ...]) -> Iterator[Axes]:
    """Orders of the axes of an array, and its reading in another shape, that fit a target."""
    if math.prod(shape) != math.prod(target):
        return
    plain, wanted = _sides(shape), _sides(target)
    if plain == wanted:
        yield tuple(range(len(shape)))
    for axes in _orders(len(shape)):
        fits = _sides(tuple(shape[axis] for axis in axes)) == wanted
        joined = len(shape) == 2 and len(target) != 2
        if axes != tuple(range(len(shape))) and (fits or joined):
            yield axes
    if plain != wanted:
        yield None


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _orders(axes: int) -> Sequence[tuple[int, ...]]:
    if axes == 2:
        return ((0, 1), (1, 0))
    if axes == 3:
        return ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    return _FOUR if axes == 4 else (tuple(range(axes)),)


def sample(values: Numbers, axes: Axes, at: Numbers) -> Numbers:
    """The elements at row-major indices of an array whose axes were put in an order."""
    view = values if axes is None else values.transpose(axes)
    if not view.ndim:
        view = view.reshape(1)
    taken = view[np.unravel_index(at, view.shape)]
    return flat(taken, double=True).astype(np.float32)


def distances(old: Sequence[Numbers], new: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """Of each old sample and each new one how near they are.

    Returns:
        ‖new − old‖² / max(‖old‖, ‖new‖)², and the correlation, (old, new) each.
    """
    with np.errstate(all="ignore"):
        a, b = (_clean(np.stack(v)) for v in (old, new))
        x, y = (a * a).sum(1), (b * b).sum(1)
        size = np.maximum(x[:, None], y[None, :])
        gap = np.maximum(x[:, None] + y[None, :] - 2 * (a @ b.T), 0.0)
        gap = np.where(size > 0, gap / np.where(size > 0, size, 1.0), 0.0)
        return gap, _unit(a) @ _unit(b).T


def _clean(samples: Numbers) -> Numbers:
    clean: Numbers = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return clean.astype(np.float64)


def _unit(samples: Numbers) -> Numbers:
    centred = samples - samples.mean(1, keepdims=True)
    size = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Numbers = centred / np.where(size > 0, size, 1.0)
    return unit


def directions(values: Numbers) -> Numbers:
    """Some rows of a tensor, each divided by its length, one after the other: a unit vector.

    Args:
        values: of two axes or more; what lies behind the first is a row.
    """
    step = max(1, len(values) // _ROWS)
    rows = flat(values[::step][:_ROWS], double=True)
    rows = rows.reshape(-1, max(1, values[0].size))[:, :_WIDTH]
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(size > 0, size, 1.0)
    flattened: Numbers = unit.reshape(-1) / np.sqrt(max(1, len(unit)))
    return flattened
