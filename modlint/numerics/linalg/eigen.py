"""Leading eigenpairs of a normalised adjacency.

The leading pairs of D^-½ A D^-½ are the trailing ones of the normalised Laplacian, whose
eigenvalues are one minus theirs. A chain of layers is bipartite, [[0, B], [Bᵀ, 0]], and its pairs
are (σ, [u, v]/√2) from the singular triples of B: those of the Gram matrix BᵀB of the smaller side.

The subspace is found in the precision of the weights; a Rayleigh-Ritz step in float64 then gives
the pairs. A Ritz value's error is the square of its subspace's, so that float32 loses little; where
the residuals say that it loses more than `BELIEVED`, the search is repeated in float64.
"""

from __future__ import annotations

import torch
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.numerics.graph.adjacency import Adjacency
from modlint.numerics.linalg.bipartite import Halves, halves
from modlint.numerics.linalg.krylov import (
    Pairs,
    Subspace,
    capacity,
    errors,
    krylov,
    largest,
    start_block,
)

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
        matrix: A, with no row sum of zero.
        k: how many pairs; at most a third of the vertices.

    Returns:
        (k,) and (vertices, k), both float64.

    Raises:
        Unavailable: they did not converge.
    """
    factors = matrix.degrees.rsqrt()
    sides = halves(matrix, factors)
    whole = Normalised(matrix, factors.unsqueeze(1))
    pairs = _solve(whole, sides, k, matrix.dtype)
    if pairs is None and matrix.dtype != torch.float64:
        pairs = _solve(whole, sides, k, torch.float64)
    if pairs is None:
        raise Unavailable(
            f"the eigenvalues of a graph of {matrix.vertices:,} neurons did not converge"
        )
    values, vectors = pairs
    peaks = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return values, vectors * peaks.sign()


class Normalised(Struct, frozen=True, eq=False):
    """A, its rows and columns multiplied by (vertices, 1) factors."""

    matrix: Adjacency
    factors: torch.Tensor

    def times(self, x: torch.Tensor) -> torch.Tensor:
        """The product with x, (vertices, any), in the precision of x."""
        factors = self.factors.to(x.dtype)
        return self.matrix.times(factors * x).mul_(factors)


def _solve(matrix: Normalised, sides: Halves | None, k: int, dtype: torch.dtype) -> Pairs | None:
    return _general(matrix, k, dtype) if sides is None else _bipartite(sides, k, dtype)


def _general(matrix: Normalised, k: int, dtype: torch.dtype) -> Pairs | None:
    order = matrix.matrix.vertices
    if _decompose_whole(order, k):
        return largest(matrix.matrix.dense() * matrix.factors * matrix.factors.T, k)
    found = krylov(matrix.times, order, k, matrix.factors.new_empty(0, dtype=dtype))
    if found is None:
        return None
    basis = torch.linalg.qr(found.vectors.double()).Q
    images = matrix.times(basis)
    values, rotation = largest(basis.T @ images, k)
    vectors = basis @ rotation
    residuals = torch.linalg.vector_norm(images @ rotation - vectors * values, dim=0)
    bound = errors(values, residuals, found.beyond.double()).sum()
    return (values, vectors) if _believed(values, residuals, bound) else None


def _believed(values: torch.Tensor, residuals: torch.Tensor, bound: torch.Tensor) -> bool:
    """Whether the vectors, by their residuals (k,), and the values' sum are as good as needed."""
    small = residuals.max() <= ACCEPTED * values[-1].clamp_min(NULL**0.5)
    return bool(small & (bound <= (SHARE * values[-1]).clamp(NULL, BELIEVED)))


def _decompose_whole(order: int, k: int) -> bool:
    return order <= max(DENSE, capacity(k))


def _bipartite(sides: Halves, k: int, dtype: torch.dtype) -> Pairs | None:
    found = _right_singular(sides, min(k, len(sides.small)), dtype)
    if found is None:
        return None
    right = torch.linalg.qr(found.vectors.double()).Q
    images = sides.times(right)
    squares, rotation = largest(images.T @ images, right.shape[1])
    sigma = squares[squares > NULL**2].sqrt()
    right, left = right @ rotation, images @ rotation[:, : len(sigma)] / sigma
    residuals = sides.transposed_times(left.to(dtype)) - right[:, : len(sigma)] * sigma
    norms = torch.linalg.vector_norm(residuals, dim=0)
    squared = errors(sigma.square(), sigma * norms, found.beyond.double())
    if not _believed(sigma, norms, (squared / (2 * sigma)).sum()):
        return None
    values, vectors = right.new_zeros(k), right.new_zeros(len(left) + len(right), k)
    values[: len(sigma)] = sigma
    vectors[sides.small, : right.shape[1]] = right
    vectors[sides.large, : len(sigma)] = left
    vectors[:, : len(sigma)] *= 0.5**0.5
    if right.shape[1] < k:
        vectors[sides.large, right.shape[1] :] = _complement(left, k - right.shape[1])
    return values, vectors


def _right_singular(sides: Halves, k: int, dtype: torch.dtype) -> Subspace | None:
    """B's leading right singular vectors, (columns, k), and the square of the next value."""
    order = len(sides.small)
    if _decompose_whole(order, k):
        values, vectors = torch.linalg.eigh(sides.gram(torch.float64))
        beyond = values[-k - 1] if order > k else values.new_zeros(())
        return Subspace(vectors[:, -k:].flip(1), beyond)
    like = sides.row_factors.new_empty(0, dtype=dtype)
    edges = sum(weights.numel() for _, _, weights in sides.pieces)
    if sides.gram_cost() <= GRAM_ADVANTAGE * edges * max(k, 12):
        return krylov(sides.gram(dtype).matmul, order, k, like, squared=True)
    return krylov(lambda x: sides.transposed_times(sides.times(x)), order, k, like, squared=True)


def _complement(known: torch.Tensor, missing: int) -> torch.Tensor:
    """Orthonormal columns, orthogonal to the known ones; always the same for the same shape."""
    more = start_block(len(known), missing, known)
    basis: torch.Tensor = torch.linalg.qr(torch.cat([known, more], 1)).Q
    return basis[:, known.shape[1] :]
