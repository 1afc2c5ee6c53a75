"""Operations that move elements, run on labels alone: axes along which they agree stay small."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from modlint_plugins.networks.flow.labels import LabelArray
from modlint_plugins.networks.flow.traced import Shape, Traced
from modlint_plugins.networks.flow.tracer import Tracer

MOST_ELEMENTS = 1 << 22
"""Of one tensor, along the axes along which its labels differ."""


def reshape(tracer: Tracer, name: str, x: Traced, shape: Sequence[int]) -> Traced:
    """The elements in another shape.

    Raises:
        ValueError: the shape has another number of elements.
    """
    target = tuple(shape)
    if math.prod(target) != math.prod(x.shape):
        raise ValueError(f"{x.shape} does not fit {target}")
    before, after = list(x.labels.shape), [1] * len(target)
    for own, new in _alike(x.shape, target):
        if any(x.labels.shape[axis] > 1 for axis in own):
            before[own.start : own.stop] = x.shape[own.start : own.stop]
            after[new.start : new.stop] = target[new.start : new.stop]
    labels = _broadcast(x.labels, before).reshape(after)
    return tracer.moved(name, [(target, labels)], x)[0]


def _alike(shape: Shape, target: Shape) -> Iterator[tuple[range, range]]:
    """Consecutive axes of one shape and of another that hold the same elements."""
    if 0 in shape:
        yield range(len(shape)), range(len(target))
        return
    i = j = 0
    while i < len(shape) or j < len(target):
        first, other = i, j
        have, want = 1, 1
        while have != want or (i, j) == (first, other):
            if (have <= want and i < len(shape)) or j == len(target):
                have, i = have * shape[i], i + 1
            else:
                want, j = want * target[j], j + 1
        yield range(first, i), range(other, j)


def transpose(tracer: Tracer, name: str, x: Traced, order: Sequence[int]) -> Traced:
    """The axes in another order."""
    shape = tuple(x.shape[axis] for axis in order)
    return tracer.moved(name, [(shape, x.labels.transpose(order))], x)[0]


def along_axes(
    tracer: Tracer,
    name: str,
    axes: Collection[int],
    function: Callable[..., LabelArray | Sequence[LabelArray]],
    *moved: Traced,
) -> list[Traced]:
    """What an operation makes that moves elements along some axes only.

    It is run on labels with these axes at their size, and any axis along which none differs at
    size 1; the number of axes must stay.
    """
    rank = moved[0].rank
    axes = {axis % rank for axis in axes}
    small = [max(x.labels.shape[i] for x in moved) for i in range(rank)]
    wide = [max(x.shape[i] for x in moved) for i in range(rank)]
    parts = [
        _broadcast(x.labels, [x.shape[i] if i in axes else small[i] for i in range(rank)])
        for x in moved
    ]
    out = function(*parts)
    results = [out] if isinstance(out, np.ndarray) else list(out)
    shapes = [tuple(r.shape[i] if i in axes else wide[i] for i in range(rank)) for r in results]
    return tracer.moved(name, list(zip(shapes, results, strict=True)), *moved)


def concat(tracer: Tracer, name: str, axis: int, *parts: Traced) -> Traced:
    """Tensors side by side; an input beside channels has channels along the same axis."""
    axis %= parts[0].rank
    parts = tracer.beside(axis, *parts)
    return along_axes(tracer, name, [axis], lambda *a: np.concatenate(a, axis), *parts)[0]


def _broadcast(labels: LabelArray, shape: Sequence[int]) -> LabelArray:
    if math.prod(shape) > MOST_ELEMENTS:
        raise ValueError(f"{math.prod(shape):,} elements are too many to be followed")
    return np.broadcast_to(labels, shape)
