"""Leading eigenpairs of a normalised adjacency, exact for small graphs and for thin ones.

The leading pairs of D^-½ A D^-½ are the trailing ones of the normalised Laplacian, whose
eigenvalues are one minus theirs. A chain of layers is bipartite, [[0, B], [Bᵀ, 0]], and its pairs
are (σ, [u, v]/√2) from the singular triples of B: those of the Gram matrix of the smaller side.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement

import torch

from modlint.analysis.numerics.adjacency import Adjacency
from modlint.analysis.numerics.seeds import generator
from modlint.errors import Unavailable

DENSE = 800
"""Up to this order a matrix is decomposed whole; above, a block Krylov method is faster."""

NULL = 1e-6
"""Singular values below this are taken for zero; squared, they drown in rounding."""

WIDTH, BLOCKS, RESTARTS, TOLERANCE = 12, 10, 200, 1e-8
"""Of the Krylov method: fewest columns in a block, blocks in the basis, restarts, residual.

An eigenvalue's error is about the square of its residual."""

Pairs = tuple[torch.Tensor, torch.Tensor]
"""Eigenvalues (k,), descending, and eigenvectors (order, k)."""


def leading_pairs(matrix: Adjacency, k: int) -> Pairs:
    """The k algebraically largest eigenvalues of a normalised adjacency and their eigenvectors.

    Each vector's largest entry is positive (as scikit-learn's `_deterministic_vector_sign_flip`).

    Args:
        matrix: D^-½ A D^-½, no vertex isolated.
        k: how many pairs; at most a third of the vertices.
    """
    sides = matrix.sides()
    values, vectors = _general(matrix, k) if sides is None else _bipartite(matrix, sides, k)
    peaks = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return values, vectors * peaks.sign()


def _general(matrix: Adjacency, k: int) -> Pairs:
    if _decompose_whole(matrix.vertices, k):
        return _largest(matrix.dense(), k)
    return krylov(matrix.times, matrix.vertices, k, matrix.device)


def _decompose_whole(order: int, k: int) -> bool:
    return order <= max(DENSE, 2 * BLOCKS * k)


def _largest(dense: torch.Tensor, k: int) -> Pairs:
    values, vectors = torch.linalg.eigh(dense)
    return values[-k:].flip(0), vectors[:, -k:].flip(1)


def _bipartite(matrix: Adjacency, sides: tuple[list[int], list[int]], k: int) -> Pairs:
    large, small = (_vertices(matrix, side) for side in sides)
    squares, right = _right_singular(matrix, sides, small, min(k, len(small)))
    sigma = squares[squares > NULL**2].sqrt()
    values, vectors = right.new_zeros(k), right.new_zeros(matrix.vertices, k)
    values[: len(sigma)] = sigma
    vectors[small, : right.shape[1]] = right
    left = matrix.times(vectors[:, : len(sigma)])[large] / sigma
    vectors[large, : len(sigma)] = left
    vectors[:, : len(sigma)] *= 0.5**0.5
    if right.shape[1] < k:
        vectors[large, right.shape[1] :] = _complement(left, k - right.shape[1])
    return values, vectors


def _vertices(matrix: Adjacency, groups: list[int]) -> torch.Tensor:
    spans = [matrix.spans[group] for group in groups]
    numbers = [number for span in spans for number in range(span.start, span.stop)]
    return torch.tensor(numbers, dtype=torch.int64, device=matrix.device)


def _right_singular(
    matrix: Adjacency, sides: tuple[list[int], list[int]], small: torch.Tensor, k: int
) -> Pairs:
    """Leading eigenpairs of BᵀB, B being (large side, small side)."""
    if _decompose_whole(len(small), k):
        return _largest(_gram(matrix, *sides), k)

    def twice(v: torch.Tensor) -> torch.Tensor:
        x = v.new_zeros(matrix.vertices, v.shape[1])
        x[small] = v
        return matrix.times(matrix.times(x))[small]

    return krylov(twice, len(small), k, small.device)


def _gram(matrix: Adjacency, large: list[int], small: list[int]) -> torch.Tensor:
    """BᵀB by blocks: (small side, small side)."""
    sizes = [matrix.sizes[group] for group in small]
    columns = dict(zip(small, Adjacency(tuple(sizes), {}).spans, strict=True))
    gram = torch.zeros(sum(sizes), sum(sizes), dtype=torch.float64, device=matrix.device)
    for hub in large:
        blocks = [(columns[g], b) for g in small if (b := matrix.block(hub, g)) is not None]
        for left, right in combinations_with_replacement(blocks, 2):
            product = left[1].T @ right[1]
            gram[left[0], right[0]] += product
            if left[0] != right[0]:
                gram[right[0], left[0]] += product.T
    return gram


def _complement(known: torch.Tensor, missing: int) -> torch.Tensor:
    """Orthonormal columns, orthogonal to the known ones; always the same for the same shape."""
    more = _random(len(known), missing, known.device)
    basis: torch.Tensor = torch.linalg.qr(torch.cat([known, more], 1)).Q
    return basis[:, known.shape[1] :]


def _random(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    seeded = generator("start", rows, columns)
    return torch.randn(rows, columns, dtype=torch.float64, generator=seeded).to(device)


def krylov(
    times: Callable[[torch.Tensor], torch.Tensor], order: int, k: int, device: torch.device
) -> Pairs:
    """The k largest eigenpairs of a symmetric operator, by thick-restart block Lanczos.

    Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems (2000), with
    blocks, so that multiple eigenvalues (separate components) are found.

    Args:
        times: the operator, applied to (order, any) columns.
        order: its order.
        k: how many pairs.
        device: where it lives.

    Raises:
        Unavailable: it did not converge.
    """
    width = max(k, WIDTH)
    basis = torch.linalg.qr(_random(order, width, device)).Q
    images = times(basis)
    fresh = images
    for _ in range(RESTARTS):
        while basis.shape[1] < BLOCKS * width:
            new = _orthonormal(fresh, basis)
            fresh = times(new)
            basis, images = torch.cat([basis, new], 1), torch.cat([images, fresh], 1)
        values, rotation = _largest(basis.T @ images, 2 * width)
        basis, images = basis @ rotation, images @ rotation
        fresh = images[:, :width] - basis[:, :width] * values[:width]
        if torch.linalg.vector_norm(fresh[:, :k], dim=0).max() <= TOLERANCE:
            return values[:k], basis[:, :k]
    raise Unavailable(f"the eigenvalues of a graph of order {order:,} did not converge")


def _orthonormal(columns: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """Columns made orthonormal among themselves and to a basis; twice is enough (Parlett)."""
    for _ in range(2):
        columns = torch.linalg.qr(columns - basis @ (basis.T @ columns)).Q
    return columns
