"""A weight as the matrices whose spectra are taken."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array

Floats = NDArray[np.float64]

BLOCK = 1 << 22
"""Elements that are converted to float64 at once."""
LONGEST_KERNEL = 64
"""Positions of a kernel; a third axis that is longer is one of a stack of matrices."""

_DIRECTIONS, _GATES, _SHORT = 2, 32, 16
"""A recurrent layer of ONNX has one or two directions, and rows for each of its gates."""


class Matrices(Struct, frozen=True, eq=False):
    """Matrices of one shape.

    Attributes:
        stack: (matrices, N, M) with N ≥ M; a view of the weight, in its own type.
        kernel: positions along each axis of a convolution's kernel, () of what is none.
    """

    stack: Array
    kernel: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Matrices, longer side, shorter side."""
        matrices, rows, columns = self.stack.shape
        return matrices, rows, columns


def slices_of(values: Array) -> Matrices:
    """One matrix for each position of a kernel, or for each item of a stack.

    Args:
        values: a weight of two axes or more: (out, in, …) of a convolution, (items, …, …) of a
            stack, whose last axis is longer than a kernel's.

    Raises:
        Unavailable: it has no elements, or fewer than two axes.
    """
    values = on_cpu(values)
    if values.ndim < 2 or not values.size:
        raise Unavailable("it is no matrix")
    if values.ndim == 2:
        return Matrices(_tall(values[None]))
    if _is_stack(values.shape):
        return Matrices(_tall(values))
    positions = values.reshape(*values.shape[:2], -1)
    kernel = tuple(values.shape[2:])
    return Matrices(_tall(np.moveaxis(positions, 2, 0)), kernel)


def flattened(values: Array) -> Matrices:
    """All of a weight as one matrix: first axis, all others; of a stack, one for each item."""
    values = on_cpu(values)
    if values.ndim < 2 or not values.size:
        raise Unavailable("it is no matrix")
    if _is_stack(values.shape):
        return Matrices(_tall(values))
    return Matrices(_tall(values.reshape(1, len(values), -1)), tuple(values.shape[2:]))


def _is_stack(shape: tuple[int, ...]) -> bool:
    """Whether three axes are those of matrices, not of kernels: experts, directions of ONNX."""
    if len(shape) != 3:
        return False
    gates = shape[0] <= _DIRECTIONS and shape[1] >= _GATES and shape[1] > shape[2] > _SHORT
    return shape[2] > LONGEST_KERNEL or gates


def on_cpu(values: Array) -> Array:
    """An array of numpy."""
    if isinstance(values, np.ndarray):
        return values
    wide: Any = values.detach().cpu()
    return (wide.float() if str(wide.dtype) == "torch.bfloat16" else wide).numpy()


def blocks(matrix: Array) -> Iterator[Floats]:
    """Some rows at a time of a matrix (N, M), in float64, in the order in which they lie."""
    step = max(1, BLOCK // max(1, matrix.shape[1]))
    for start in range(0, len(matrix), step):
        block = matrix[start : start + step]
        turned = block.strides[0] < block.strides[1]
        yield np.asarray(block, np.float64, order="F" if turned else "C")


def squares(matrices: Matrices) -> float:
    """Sum of all squared elements.

    Raises:
        Unavailable: it is not finite.
    """
    with np.errstate(all="ignore"):
        total = math.fsum(
            float((block * block).sum()) for one in matrices.stack for block in blocks(one)
        )
    if not math.isfinite(total):
        raise Unavailable("its elements, or their squares, are not all finite")
    return total


def _tall(stack: Array) -> Array:
    return stack if stack.shape[1] >= stack.shape[2] else stack.swapaxes(1, 2)
