"""Structures that need fewer elements than a matrix has, each proven by rebuilding the matrix.

Toeplitz and circulant matrices: Araujo et al., On Lipschitz Regularization of Convolutional Layers
using Toeplitz Matrix Theory, arXiv 2006.08391; arXiv 2109.00959.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.spectra.matrices import Floats, on_cpu
from modlint.results.spectra import Structure

LARGEST = 1 << 26
"""Elements of a weight that is looked at."""
MOST_COLUMNS = 4096
_NARROWEST = 8
"""Rows and columns of a matrix, and of a block."""
_COUNTS = (16, 12, 8, 6, 4, 3, 2)
"""Numbers of blocks that are tried."""


def structure(values: Array, distance: float) -> Structure | None:
    """The structure that keeps the fewest elements within a relative distance; None for none.

    Args:
        values: of two axes; of more with ones behind.
        distance: of the Frobenius norm.

    Raises:
        Unavailable: it is too large, or not finite.
    """
    values = on_cpu(values)
    rows, columns = len(values), values[:1].size
    if values.size != rows * columns or math.prod(values.shape[2:]) != 1:
        return None
    if min(rows, columns) < _NARROWEST:
        return None
    if values.size > LARGEST or min(rows, columns) > MOST_COLUMNS:
        raise Unavailable(f"more than {LARGEST:,} elements, or {MOST_COLUMNS:,} columns")
    matrix = np.asarray(values.reshape(rows, columns), np.float64)
    norm = float(np.linalg.norm(matrix))
    if not math.isfinite(norm):
        raise Unavailable("its elements are not all finite")
    if norm == 0 or np.linalg.norm(matrix - matrix.mean()) <= distance * norm:
        return None
    found = [each for each in _candidates(matrix, norm, distance) if each.distance < distance]
    found = [each for each in found if 2 * each.kept <= each.elements]
    return min(found, key=lambda each: each.kept, default=None)


def _candidates(matrix: Floats, norm: float, distance: float) -> Iterator[Structure]:
    yield _toeplitz(matrix, norm)
    if len(matrix) == matrix.shape[1]:
        yield _circulant(matrix, norm)
    yield from _blocks(matrix, norm)
    low = _low_rank(matrix, norm, distance)
    if low is not None:
        yield low


def _toeplitz(matrix: Floats, norm: float) -> Structure:
    """Each diagonal by its mean."""
    rows, columns = matrix.shape
    which = (np.arange(columns) - np.arange(rows)[:, None] + rows - 1).reshape(-1)
    number = np.bincount(which)
    means = np.bincount(which, matrix.reshape(-1)) / number
    apart = float(np.linalg.norm(matrix.reshape(-1) - means[which])) / norm
    return Structure("toeplitz", apart, len(means), matrix.size, len(means))


def _circulant(matrix: Floats, norm: float) -> Structure:
    """Each diagonal that runs on at the other side by its mean."""
    size = len(matrix)
    which = ((np.arange(size) - np.arange(size)[:, None]) % size).reshape(-1)
    means = np.bincount(which, matrix.reshape(-1)) / size
    apart = float(np.linalg.norm(matrix.reshape(-1) - means[which])) / norm
    return Structure("circulant", apart, size, matrix.size, size)


def _blocks(matrix: Floats, norm: float) -> Iterator[Structure]:
    """Blocks on the diagonal alone; blocks, or single rows or columns, that repeat."""
    rows, columns = matrix.shape
    for count in _COUNTS:
        tall, wide = rows % count == 0, columns % count == 0
        if tall and wide and min(rows, columns) // count >= _NARROWEST:
            cut = matrix.reshape(count, rows // count, count, columns // count)
            energy = float(norm**2 - sum(np.sum(cut[i, :, i] ** 2) for i in range(count)))
            apart = math.sqrt(max(energy, 0.0)) / norm
            kept = matrix.size // count
            yield Structure("block-diagonal", apart, kept, matrix.size, count)
        for axis, fits in ((0, tall), (1, wide)):
            if fits and matrix.shape[axis] // count >= _NARROWEST:
                yield from _repeated(matrix, norm, count, axis)


def _repeated(matrix: Floats, norm: float, count: int, axis: int) -> Iterator[Structure]:
    whole = matrix if axis == 0 else matrix.T
    size, rest = len(whole) // count, whole.shape[1]
    for cut, across in (
        (whole.reshape(count, size, rest), 0),
        (whole.reshape(size, count, rest), 1),
    ):
        apart = float(np.linalg.norm(cut - cut.mean(axis=across, keepdims=True))) / norm
        yield Structure("repeated-blocks", apart, matrix.size // count, matrix.size, count)


def _low_rank(matrix: Floats, norm: float, distance: float) -> Structure | None:
    """The product of two factors in single precision, where it keeps fewer elements."""
    wide = matrix.T if len(matrix) > matrix.shape[1] else matrix
    values, vectors = np.linalg.eigh(wide @ wide.T)
    lost = np.cumsum(np.maximum(values, 0)) < (distance * norm) ** 2 / 2
    rank = len(values) - int(lost.sum())
    kept = rank * sum(matrix.shape)
    if not rank or 2 * kept > matrix.size:
        return None
    basis = vectors[:, len(values) - rank :]
    left, right = basis.astype(np.float32), (basis.T @ wide).astype(np.float32)
    rebuilt = left.astype(np.float64) @ right.astype(np.float64)
    apart = float(np.linalg.norm(wide - rebuilt)) / norm
    return Structure("low-rank", apart, kept, matrix.size, rank)
