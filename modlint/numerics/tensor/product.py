"""Products of weights that are stored in less precision than they are computed in."""

from __future__ import annotations

import torch

PIECE = 1 << 22
"""Edges that are widened to float64 at a time."""


def product(weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The product weights @ x in the precision of x; large weights are widened in pieces."""
    if weights.dtype == x.dtype:
        return weights @ x
    rows = max(1, PIECE // max(1, weights.shape[1]))
    if rows >= len(weights):
        return weights.to(x.dtype) @ x
    return torch.cat([piece.to(x.dtype) @ x for piece in torch.split(weights, rows)])
