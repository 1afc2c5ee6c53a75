"""Eigenvalues of WᵀW: all of them from Gram matrices, or the largest by block Krylov iteration.

Golub and Van Loan, Matrix Computations, 4th edition: 8.1 for the bound by a residual, 8.6 for
singular values; Musco and Musco, arXiv 1504.05477, for the block Krylov iteration.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.spectra.matrices import BLOCK, Floats, Matrices, blocks, squares
from modlint.results.spectra import Method

LARGEST = 6144
"""Columns up to which all eigenvalues are computed, unless more are asked for."""
KEPT = 96
"""Eigenvalues that are sought of larger ones."""
_STEPS = 8
_WIDTH = 64
_RESIDUAL = 1e-4
_MEMORY = 1 << 25
_SAFETY = 16.0
_TALL = 2


class Eigenvalues(Struct, frozen=True, eq=False):
    """Of WᵀW for each of some matrices.

    Attributes:
        values: ascending, (matrices, n).
        method: "gram" has all of them, "lanczos" the largest.
        error: of any of them, over the largest.
    """

    values: Floats
    method: Method
    error: float


def eigenvalues(matrices: Matrices, most: float = LARGEST) -> Eigenvalues:
    """All eigenvalues, or the largest ones of a matrix of too many columns.

    Args:
        matrices: of one shape.
        most: columns of a matrix of which all are computed; of stacks they always are.

    Raises:
        Unavailable: not all elements, or not all of their squares, are finite.
    """
    count, rows, columns = matrices.shape
    if columns > most and count == 1:
        squares(matrices)
        return _largest(matrices.stack[0])
    values = np.empty((count, columns))
    step = max(1, _MEMORY // max(1, columns * columns))
    for start in range(0, count, step):
        grams = _grams(matrices.stack[start : start + step])
        if not np.isfinite(np.einsum("sii->s", grams)).all():
            raise Unavailable("its elements, or their squares, are not all finite")
        values[start : start + step] = np.linalg.eigvalsh(grams)
    np.maximum(values, 0, out=values)
    return Eigenvalues(values, "gram", float(np.finfo(np.float64).eps * (rows + columns)))


def count_below(matrix: Array, eigenvalues: Floats, error: float, tolerance: float) -> int:
    """Singular values up to a tolerance.

    From the eigenvalues of the Gram matrix where these tell them apart, else from an SVD.

    Args:
        matrix: (N, M).
        eigenvalues: of its Gram matrix, ascending, (M,).
        error: bound of their error, over the largest.
        tolerance: in units of the singular values.
    """
    doubt = _SAFETY * error * float(eigenvalues[-1])
    if (np.abs(eigenvalues - tolerance**2) > doubt).all():
        return int((eigenvalues <= tolerance**2).sum())
    return int((singular_values(matrix) <= tolerance).sum())


def singular_values(matrix: Array) -> Floats:
    """All singular values of a matrix (N, M), ascending, by an SVD: of R, where it is tall."""
    if matrix.shape[0] > _TALL * matrix.shape[1]:
        matrix = _triangle(matrix)
    found: Floats = np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)[::-1]
    return found


def _triangle(matrix: Array) -> Floats:
    """R of its QR decomposition, some rows at a time."""
    columns = matrix.shape[1]
    triangle, step = np.empty((0, columns)), max(columns, BLOCK // columns)
    for start in range(0, len(matrix), step):
        block = np.asarray(matrix[start : start + step], np.float64)
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, block]), mode="r"))
    return triangle


def _grams(stack: Array) -> Floats:
    count, _, columns = stack.shape
    grams = np.zeros((count, columns, columns))
    if count > 1 and stack.size <= BLOCK:
        stack = np.ascontiguousarray(stack, np.float64)
    for gram, matrix in zip(grams, stack, strict=True):
        with np.errstate(all="ignore"):
            for block in blocks(matrix):
                gram += block.T @ block
    return grams


def _largest(matrix: Array) -> Eigenvalues:
    """The largest eigenvalues whose residuals are small."""
    columns = matrix.shape[1]
    fresh = np.random.default_rng(0).standard_normal((columns, _WIDTH))
    basis, images = np.empty((columns, 0)), np.empty((columns, 0))
    for _ in range(_STEPS):
        for _ in range(2):
            fresh -= basis @ (basis.T @ fresh)
            fresh, _ = np.linalg.qr(fresh)
        image = _times_gram(matrix, fresh)
        basis, images = np.hstack([basis, fresh]), np.hstack([images, image])
        fresh = image
    inner = basis.T @ images
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    residuals = np.linalg.norm(images @ vectors - (basis @ vectors) * values, axis=0)
    residuals /= max(float(values[-1]), np.finfo(np.float64).tiny)
    sure = int(np.cumprod(residuals[::-1] <= _RESIDUAL).sum())
    kept = slice(len(values) - min(KEPT, max(1, sure)), None)
    return Eigenvalues(np.maximum(values[None, kept], 0), "lanczos", float(residuals[kept].max()))


def _times_gram(matrix: Array, vectors: Floats) -> Floats:
    """Wᵀ(W V), some rows of W at a time."""
    product = np.zeros_like(vectors)
    for block in blocks(matrix):
        product += block.T @ (block @ vectors)
    return product
