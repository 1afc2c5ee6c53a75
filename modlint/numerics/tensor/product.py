"""Products of weights that are stored in less precision than they are computed in."""

from __future__ import annotations

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import cast, library

PIECE = 1 << 22
"""Edges that are widened to float64 at a time."""


def product(weights: Array, x: Array) -> Array:
    """The product weights @ x in the precision of x; large weights are widened in pieces.

    Args:
        weights: (…, m, n).
        x: (…, n, any).
    """
    if weights.dtype == x.dtype:
        return weights @ x
    height, width = weights.shape[-2:]
    rows = max(1, PIECE // max(1, width))
    if rows >= height:
        return cast(weights, x.dtype) @ x
    starts = range(0, height, rows)
    pieces = [cast(weights[..., k : k + rows, :], x.dtype) @ x for k in starts]
    return library(x).concat(pieces, axis=-2)
