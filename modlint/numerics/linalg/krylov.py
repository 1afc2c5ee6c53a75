"""Leading eigenpairs of symmetric operators by block Lanczos with thick restarts.

Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems, SIAM J. Matrix
Anal. Appl. 22 (2000); in blocks, so that multiple eigenvalues (separate components) are found. A
stack of operators is searched at once: all take as many steps as the slowest, and the host looks
only now and then, at the small projected matrices.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from modlint.numerics.inputs import Array
from modlint.numerics.linalg.orthonormal import basis_of, orthonormal
from modlint.numerics.tensor.library import beside, cast, device_of, largest, library, turned
from modlint.numerics.tensor.seeds import Stream

WIDTH, BLOCKS = 12, 30
"""Fewest columns in a block, blocks in the basis."""

RESTARTS = {"float32": 3, "float64": 40}
"""Restarts before the method gives up, by precision."""

TOLERANCE = {"float32": 2e-3, "float64": 1e-7}
"""Largest residual by precision, as a share of the k-th eigenvalue."""

LEAST = 1e-4
"""Eigenvalues below this count as this much in the tolerance."""

ACCURACY = 5e-6
"""Largest error of the eigenvalues' sum by its estimate, which knows nothing of rounding."""

PROJECTIONS = 3
"""How often a block is made orthogonal to those before: of a block of low rank the first leaves
noise, which is not orthogonal, and of that the second leaves some."""

FIRST, EVERY = 14, 3
"""Blocks before the first look at the residuals, and between two looks."""


def capacity(k: int) -> int:
    """Columns of the basis; the operator must be of a larger order."""
    return BLOCKS * max(k, WIDTH)


class Subspace(Struct, frozen=True, eq=False):
    """What was found.

    Attributes:
        vectors: (…, order, k) the k leading Ritz vectors.
        beyond: (…,) the smallest Ritz value that the search holds besides: what is left out lies
            below.
    """

    vectors: Array
    beyond: Array


def errors(values: Array, residuals: Array, beyond: Array) -> Array:
    """How far each Ritz value may lie below its eigenvalue: (…, k).

    By its residual at most, and by its square over the distance to what was left out (Parlett, The
    Symmetric Eigenvalue Problem, section 11.7).

    Args:
        values: (…, k).
        residuals: (…, k) norms.
        beyond: (…,) the largest eigenvalue that was left out, or what stands for it.
    """
    xp = library(values)
    gaps = xp.clip(values - beyond[..., None], float(xp.finfo(values.dtype).tiny), None)
    squares = residuals * residuals / gaps
    return xp.where(squares < residuals, squares, residuals)


def krylov(
    times: Callable[[Array], Array], like: Array, k: int, *, squared: bool = False
) -> Subspace | None:
    """The subspaces of the k largest eigenvalues, None where the search did not converge.

    Args:
        times: the operators, applied to (…, order, any) columns.
        like: zeros (…, order), of the precision and on the device to compute with; the order is
            above `capacity(k)`.
        k: how many pairs.
        squared: the operators are Gram matrices, and their eigenvalues' roots are to be accurate.
    """
    xp, order = library(like), like.shape[-1]
    width, most = max(k, WIDTH), capacity(k)
    basis = _zeros(like, order, most)
    projected = _zeros(like, most, most)
    start = start_block(order, width, like)
    block, size, restarts = start + _zeros(like, order, width), 0, 0
    while True:
        coupling, block = _extend(times, basis, projected, block, size, start)
        size += width
        if size < most and (size < FIRST * width or size // width % EVERY):
            continue
        values, rotation = largest(projected[..., :size, :size], min(size, 2 * width))
        residuals = xp.linalg.vector_norm(coupling @ rotation[..., -width:, :k], axis=-2)
        if _converged(values, residuals, k, squared):
            return Subspace(basis[..., :size] @ rotation[..., :k], values[..., -1])
        if size == most:
            if restarts == RESTARTS[_precision(like)]:
                return None
            size, restarts = 2 * width, restarts + 1
            basis[..., :size] = basis @ rotation
            projected[...] = 0
            projected[..., :size, :size] = values[..., None] * xp.eye(
                size, dtype=like.dtype, device=device_of(like)
            )


def _zeros(like: Array, *shape: int) -> Array:
    whole = (*like.shape[:-1], *shape)
    return library(like).zeros(whole, dtype=like.dtype, device=device_of(like))


def _precision(like: Array) -> str:
    return str(like.dtype).removeprefix("torch.")


def _converged(values: Array, residuals: Array, k: int, squared: bool) -> bool:
    """Whether all of a stack are: values (…, more than k), residuals (…, k)."""
    xp = library(values)
    last = xp.clip(values[..., k - 1], LEAST, None)
    small = xp.max(residuals, axis=-1) <= TOLERANCE[_precision(values)] * last
    error = xp.sum(errors(values[..., :k], residuals, values[..., -1]), axis=-1)
    if squared:
        error = error / (2 * last**0.5)
    return bool((small & (error <= ACCURACY)).all())


def _extend(
    times: Callable[[Array], Array],
    basis: Array,
    projected: Array,
    block: Array,
    size: int,
    start: Array,
) -> tuple[Array, Array]:
    """Add a block to the basis: what couples it to the next one, and the next one.

    Args:
        times: the operators.
        basis: (…, order, most); the first `size` columns are in use.
        projected: (…, most, most) the operators in the basis.
        block: (…, order, width) orthonormal, also to the basis.
        size: columns in use.
        start: (order, width) what stands in for directions that a block of low rank lacks.
    """
    xp, end = library(basis), size + block.shape[-1]
    basis[..., size:end] = block
    known = basis[..., :end]
    image = times(block)
    inner = turned(known) @ image
    projected[..., :end, size:end] = inner
    projected[..., size:end, :size] = turned(inner[..., :size, :])
    left = image - known @ inner
    noise = xp.roll(start, end, axis=0)
    following = orthonormal(left, noise)
    for _ in range(PROJECTIONS - 1):
        following = orthonormal(following - known @ (turned(known) @ following), noise)
    return turned(following) @ left, following


def start_block(rows: int, columns: int, like: Array) -> Array:
    """Orthonormal columns that are the same for the same shape: (rows, columns)."""
    drawn = Stream("start", rows, columns).uniform(rows, columns) - 0.5
    return cast(beside(basis_of(drawn), like), like.dtype)
