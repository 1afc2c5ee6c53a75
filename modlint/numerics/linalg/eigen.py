"""Leading eigenpairs of a normalised adjacency.

The leading pairs of D^-½ A D^-½ are the trailing ones of the normalised Laplacian, whose
eigenvalues are one minus theirs. A chain of layers is bipartite, [[0, B], [Bᵀ, 0]], and its pairs
are (σ, [u, v]/√2) from the singular triples of B: those of the Gram matrix BᵀB of the smaller side.

The subspace is found in the precision of the weights; a Rayleigh-Ritz step in float64 then gives
the pairs. A Ritz value's error is the square of its subspace's, so that float32 loses little; where
the residuals say that it loses more than `BELIEVED`, the search is repeated in float64.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from modlint.errors import Unavailable
from modlint.numerics.graph.adjacency import Adjacency
from modlint.numerics.inputs import Array
from modlint.numerics.linalg.bipartite import Halves, halves
from modlint.numerics.linalg.krylov import (
    PROJECTIONS,
    Subspace,
    capacity,
    errors,
    krylov,
    start_block,
)
from modlint.numerics.linalg.orthonormal import basis_of, orthonormal
from modlint.numerics.tensor.library import Pairs, cast, device_of, largest, library, turned

DENSE = 250
"""Up to this order a matrix is decomposed whole."""

NULL = 1e-6
"""Singular values below this are taken for zero; squared, they drown in rounding."""

ACCEPTED = 1e-2
"""Largest residual, as a share of the k-th eigenvalue, of vectors that are believed.

Products in float32 of a positive matrix are off by some 1e-7 of its largest eigenvalue, which is 1:
in wide networks, whose k-th is 1e-4, that alone is a third of this."""

BELIEVED, SHARE = 1e-4, 1e-2
"""Largest bound of the error of the eigenvalues' sum that is believed; also as a share of the k-th.

Of random chains of 14,794 and 23,354 neurons S_12 was 1.9e-5 and 3.9e-5 above that of float64: the
same solver runs on a network and on its shuffles, so that most of it is common to both."""

GRAM_ADVANTAGE = 40
"""Products with a block of columns that cost as much as a Gram matrix that pays for itself."""


def leading_pairs(matrix: Adjacency, k: int) -> Pairs:
    """The k algebraically largest eigenvalues of D^-½ A D^-½ and their eigenvectors.

    Each vector's largest entry is positive (as scikit-learn's `_deterministic_vector_sign_flip`).

    Args:
        matrix: A, with no row sum of zero; or several of the same shape.
        k: how many pairs; at most a third of the vertices.

    Returns:
        (…, k) and (…, vertices, k), both float64.

    Raises:
        Unavailable: they did not converge.
    """
    xp = matrix.library
    factors = matrix.degrees**-0.5
    sides = halves(matrix, factors)
    whole = Normalised(matrix, factors[..., None])
    pairs = _solve(whole, sides, k, matrix.first.dtype)
    if pairs is None and matrix.first.dtype != xp.float64:
        pairs = _solve(whole, sides, k, xp.float64)
    if pairs is None:
        raise Unavailable(
            f"the eigenvalues of a graph of {matrix.vertices:,} neurons did not converge"
        )
    values, vectors = pairs
    low, high = xp.min(vectors, axis=-2, keepdims=True), xp.max(vectors, axis=-2, keepdims=True)
    return values, xp.where(-low > high, -vectors, vectors)


class Normalised(Struct, frozen=True, eq=False):
    """A, its rows and columns multiplied by (…, vertices, 1) factors."""

    matrix: Adjacency
    factors: Array

    def times(self, x: Array) -> Array:
        """The product with x, (…, vertices, any), in the precision of x."""
        factors = cast(self.factors, x.dtype)
        return self.matrix.times(factors * x) * factors


def _solve(matrix: Normalised, sides: Halves | None, k: int, dtype: Any) -> Pairs | None:
    return _general(matrix, k, dtype) if sides is None else _bipartite(sides, k, dtype)


def _general(matrix: Normalised, k: int, dtype: Any) -> Pairs | None:
    order, factors = matrix.matrix.vertices, matrix.factors
    if _decompose_whole(order, k):
        return largest(matrix.matrix.dense() * factors * turned(factors), k)
    found = krylov(matrix.times, _zeros(factors, order, dtype=dtype), k)
    if found is None:
        return None
    basis = basis_of(found.vectors)
    images = matrix.times(basis)
    values, rotation = largest(turned(basis) @ images, k)
    vectors = basis @ rotation
    differences = images @ rotation - vectors * values[..., None, :]
    residuals = library(values).linalg.vector_norm(differences, axis=-2)
    bound = errors(values, residuals, cast(found.beyond, values.dtype)).sum(-1)
    return (values, vectors) if _believed(values[..., -1], residuals, bound) else None


def _zeros(like: Array, *shape: int, dtype: Any) -> Array:
    """Zeros for each of a stack of matrices: (…, *shape)."""
    whole = (*like.shape[:-2], *shape)
    return library(like).zeros(whole, dtype=dtype, device=device_of(like))


def _believed(last: Array, residuals: Array, bound: Array) -> bool:
    """Whether the vectors and the values' sum are as good as needed, in all graphs.

    Args:
        last: (…,) the k-th value.
        residuals: (…, k) of the vectors.
        bound: (…,) of the error of the sum.
    """
    xp = library(last)
    small = xp.max(residuals, axis=-1) <= ACCEPTED * xp.clip(last, NULL**0.5, None)
    return bool((small & (bound <= xp.clip(SHARE * last, NULL, BELIEVED))).all())


def _decompose_whole(order: int, k: int) -> bool:
    return order <= max(DENSE, capacity(k))


def _bipartite(sides: Halves, k: int, dtype: Any) -> Pairs | None:
    found = _right_singular(sides, min(k, len(sides.small)), dtype)
    if found is None:
        return None
    xp, right = library(found.vectors), basis_of(found.vectors)
    images = sides.times(right)
    squares, rotation = largest(turned(images) @ images, right.shape[-1])
    there = squares > NULL**2
    one = xp.ones_like(squares)
    sigma = xp.where(there, squares, one) ** 0.5
    right, left = right @ rotation, images @ rotation * (there / sigma)[..., None, :]
    differences = sides.transposed_times(cast(left, dtype)) - right * (there * sigma)[..., None, :]
    norms = xp.linalg.vector_norm(differences, axis=-2) * there
    squared = errors(sigma * sigma, sigma * norms, cast(found.beyond, sigma.dtype))
    last = xp.min(sigma, axis=-1)
    if not _believed(last, norms, (there * squared / (2 * sigma)).sum(-1)):
        return None
    lengths = xp.where(there, 0.5 * one, one) ** 0.5
    return _whole_pairs(sides, sigma * there, left, right * lengths[..., None, :], k)


def _whole_pairs(sides: Halves, sigma: Array, left: Array, right: Array, k: int) -> Pairs:
    """Of [[0, B], [Bᵀ, 0]], from B's right vectors as they stand there and its left unit ones."""
    found, order = sigma.shape[-1], left.shape[-2] + right.shape[-2]
    values, vectors = (_zeros(left, *shape, dtype=left.dtype) for shape in ((k,), (order, k)))
    values[..., :found] = sigma
    vectors[..., sides.small, :found] = right
    vectors[..., sides.large, :found] = left * 0.5**0.5
    if found < k:
        vectors[..., sides.large, found:] = _complement(left, k - found)
    return values, vectors


def _right_singular(sides: Halves, k: int, dtype: Any) -> Subspace | None:
    """B's leading right singular vectors, (…, columns, k), and the square of the next value."""
    order, factors = len(sides.small), sides.row_factors
    xp = library(factors)
    if _decompose_whole(order, k):
        values, vectors = largest(sides.gram(xp.float64), min(k + 1, order))
        beyond = values[..., k] if order > k else xp.zeros_like(values[..., 0])
        return Subspace(vectors[..., :k], beyond)
    like = _zeros(factors, order, dtype=dtype)
    if sides.gram_cost() <= GRAM_ADVANTAGE * sides.edges() * max(k, 12):
        gram = sides.gram(dtype)
        return krylov(lambda x: gram @ x, like, k, squared=True)
    return krylov(lambda x: sides.transposed_times(sides.times(x)), like, k, squared=True)


def _complement(known: Array, missing: int) -> Array:
    """Orthonormal columns, orthogonal to the known ones; always the same for the same shape."""
    more = start = start_block(known.shape[-2], missing, known)
    for _ in range(PROJECTIONS):
        more = orthonormal(more - known @ (turned(known) @ more), start)
    return more
