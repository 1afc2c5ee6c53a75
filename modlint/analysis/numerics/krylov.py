"""Leading eigenpairs of a symmetric operator by block Lanczos with thick restarts.

Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems, SIAM J. Matrix
Anal. Appl. 22 (2000); in blocks, so that multiple eigenvalues (separate components) are found.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from modlint.analysis.numerics.seeds import generator

Pairs = tuple[torch.Tensor, torch.Tensor]
"""Eigenvalues (k,), descending, and eigenvectors (order, k)."""

WIDTH, BLOCKS, RESTARTS = 12, 30, 40
"""Fewest columns in a block, blocks in the basis, restarts before the method gives up."""

TOLERANCE = {torch.float32: 2e-3, torch.float64: 1e-7}
"""Largest residual by precision, as a share of the k-th eigenvalue.

The eigenvalues' error is its square over the distance to those that were not asked for."""

LEAST = 1e-4
"""Eigenvalues below this count as this much in the tolerance."""

FIRST, EVERY = 14, 3
"""Blocks before the first look at the residuals, and between two looks."""


def capacity(k: int) -> int:
    """Columns of the basis; the operator must be of a larger order."""
    return BLOCKS * max(k, WIDTH)


def krylov(
    times: Callable[[torch.Tensor], torch.Tensor], order: int, k: int, like: torch.Tensor
) -> Pairs | None:
    """The k largest eigenpairs, None where they did not converge.

    Args:
        times: the operator, applied to (order, any) columns.
        order: its order, above `capacity(k)`.
        k: how many pairs.
        like: a tensor of the precision and on the device to compute with.
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
        if bool(residuals.max() <= TOLERANCE[like.dtype] * values[k - 1].clamp_min(LEAST)):
            return values[:k], basis[:, :size] @ rotation[:, :k]
        if size == most:
            if restarts == RESTARTS:
                return None
            size, restarts = 2 * width, restarts + 1
            basis[:, :size] = basis @ rotation
            projected.zero_()[:size, :size] = values.diag()


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
