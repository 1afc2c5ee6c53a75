"""Orthonormal columns by products and small Cholesky factors, for stacks of tall matrices.

Fukaya et al., Shifted Cholesky QR for computing the QR factorization of ill-conditioned matrices,
SIAM J. Sci. Comput. 42 (2020). Householder's method takes many small steps, one after the other.
"""

from __future__ import annotations

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import cast, device_of, inverse_factors, library, turned

NOISE = 4.0
"""What stands in for a direction that is missing, in units of rounding."""


def basis_of(columns: Array) -> Array:
    """Orthonormal columns, to the rounding of float64, that span those given: (…, rows, width).

    Args:
        columns: (…, rows, width), not far from orthonormal.
    """
    columns = cast(columns, library(columns).float64)
    return orthonormal(orthonormal(columns, columns), columns)


def orthonormal(columns: Array, noise: Array) -> Array:
    """Columns that span those given; done two or three times, they are orthonormal to rounding.

    Args:
        columns: (…, rows, width).
        noise: (rows, width) or such for each, of length about 1: it takes the place of what is
            missing.
    """
    xp = library(columns)
    rounding = float(xp.finfo(columns.dtype).eps)
    lengths = xp.linalg.vector_norm(columns, axis=-2, keepdims=True)
    longest = xp.max(lengths, axis=-1, keepdims=True)
    longest = xp.where(longest > 0, longest, xp.ones_like(longest))
    columns = columns + NOISE * rounding * longest * noise
    columns = columns / xp.linalg.vector_norm(columns, axis=-2, keepdims=True)
    width = columns.shape[-1]
    inner = turned(columns) @ columns
    shift = 8 * width * rounding
    inner = inner + shift * xp.eye(width, dtype=columns.dtype, device=device_of(columns))
    return columns @ turned(inverse_factors(inner))
