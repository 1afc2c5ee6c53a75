"""Leading eigenpairs of a symmetric operator by block Lanczos with thick restarts.

Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems, SIAM J. Matrix
Anal. Appl. 22 (2000); in blocks, so that multiple eigenvalues (separate components) are found.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from msgspec import Struct

from modlint.numerics.tensor.seeds import generator

Pairs = tuple[torch.Tensor, torch.Tensor]
"""Eigenvalues (k,), descending, and eigenvectors (order, k)."""

WIDTH, BLOCKS = 12, 30
"""Fewest columns in a block, blocks in the basis."""

RESTARTS = {torch.float32: 3, torch.float64: 40}
"""Restarts before the method gives up, by precision."""

TOLERANCE = {torch.float32: 2e-3, torch.float64: 1e-7}
"""Largest residual by precision, as a share of the k-th eigenvalue."""

LEAST = 1e-4
"""Eigenvalues below this count as this much in the tolerance."""

ACCURACY = 5e-6
"""Largest error of the eigenvalues' sum by its estimate, which knows nothing of rounding."""

BREAKDOWN, REPEATS = 100, 4
"""What is left of a block, in units of rounding, is noise, and takes more projections to clean."""

FIRST, EVERY = 14, 3
"""Blocks before the first look at the residuals, and between two looks."""


def capacity(k: int) -> int:
    """Columns of the basis; the operator must be of a larger order."""
    return BLOCKS * max(k, WIDTH)


class Subspace(Struct, frozen=True, eq=False):
    """What was found.

    Attributes:
        vectors: (order, k) the k leading Ritz vectors.
        beyond: the smallest Ritz value that the search holds besides: what is left out lies below.
    """

    vectors: torch.Tensor
    beyond: torch.Tensor


def errors(values: torch.Tensor, residuals: torch.Tensor, beyond: torch.Tensor) -> torch.Tensor:
    """How far each Ritz value may lie below its eigenvalue: (k,).

    By its residual at most, and by its square over the distance to what was left out (Parlett, The
    Symmetric Eigenvalue Problem, section 11.7).

    Args:
        values: (k,).
        residuals: (k,) norms.
        beyond: () the largest eigenvalue that was left out, or what stands for it.
    """
    gaps = (values - beyond).clamp_min(torch.finfo(values.dtype).tiny)
    return torch.minimum(residuals, residuals.square() / gaps)


def krylov(
    times: Callable[[torch.Tensor], torch.Tensor],
    order: int,
    k: int,
    like: torch.Tensor,
    *,
    squared: bool = False,
) -> Subspace | None:
    """The subspace of the k largest eigenvalues, None where the search did not converge.

    Args:
        times: the operator, applied to (order, any) columns.
        order: its order, above `capacity(k)`.
        k: how many pairs.
        like: a tensor of the precision and on the device to compute with.
        squared: the operator is a Gram matrix, and its eigenvalues' roots are to be accurate.
    """
    width, most = max(k, WIDTH), capacity(k)
    basis = like.new_empty(order, most)
    projected = like.new_zeros(most, most)
    block, size, restarts = start_block(order, width, like), 0, 0
    while True:
        coupling, block = _extend(times, basis, projected, block, size)
        size += width
        if size < most and (size < FIRST * width or size // width % EVERY):
            continue
        values, rotation = largest(projected[:size, :size], min(size, 2 * width))
        residuals = torch.linalg.vector_norm(coupling @ rotation[-width:, :k], dim=0)
        if _converged(values, residuals, k, squared):
            return Subspace(basis[:, :size] @ rotation[:, :k], values[-1])
        if size == most:
            if restarts == RESTARTS[like.dtype]:
                return None
            size, restarts = 2 * width, restarts + 1
            basis[:, :size] = basis @ rotation
            projected.zero_()[:size, :size] = values.diag()


def _converged(values: torch.Tensor, residuals: torch.Tensor, k: int, squared: bool) -> bool:
    last = values[k - 1]
    small = residuals.max() <= TOLERANCE[values.dtype] * last.clamp_min(LEAST)
    error = errors(values[:k], residuals, values[-1]).sum()
    if squared:
        error = error / (2 * last.clamp_min(LEAST).sqrt())
    return bool(small & (error <= ACCURACY))


def _extend(
    times: Callable[[torch.Tensor], torch.Tensor],
    basis: torch.Tensor,
    projected: torch.Tensor,
    block: torch.Tensor,
    size: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add a block to the basis: what couples it to the next one, and the next one.

    Args:
        times: the operator.
        basis: (order, most); the first `size` columns are in use.
        projected: (most, most) the operator in the basis.
        block: (order, width) orthonormal, also to the basis.
        size: columns in use.
    """
    end = size + block.shape[1]
    basis[:, size:end] = block
    known = basis[:, :end]
    image = times(block)
    inner = known.T @ image
    projected[:end, size:end] = inner
    projected[size:end, :size] = inner[:size].T
    following, coupling = torch.linalg.qr(image - known @ inner)
    # once more, always: else errors grow from block to block until nothing converges
    least = BREAKDOWN * torch.finfo(image.dtype).eps * torch.linalg.vector_norm(image, dim=0).max()
    times_more = 1 if bool(coupling.diagonal().abs().min() > least) else REPEATS
    for _ in range(times_more):
        following = torch.linalg.qr(following - known @ (known.T @ following)).Q
    return coupling, following


def largest(symmetric: torch.Tensor, k: int) -> Pairs:
    """The k largest eigenpairs of a small symmetric matrix, of which the lower half is read."""
    values, vectors = torch.linalg.eigh(symmetric)
    return values[-k:].flip(0), vectors[:, -k:].flip(1)


def start_block(rows: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    """Orthonormal columns that are the same for the same shape."""
    seeded = generator("start", rows, columns)
    block = torch.randn(rows, columns, dtype=torch.float64, generator=seeded)
    orthonormal: torch.Tensor = torch.linalg.qr(block.to(like)).Q
    return orthonormal
