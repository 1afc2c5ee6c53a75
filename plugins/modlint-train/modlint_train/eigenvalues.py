"""Small eigenvalues of the normalised Laplacian, with their closed-form gradient.

L_sym = 1 − D^-½ A D^-½. With L_sym u = λu, v = D^-½ u and vᵀDv = 1, the edge between i and j has
∂λ/∂A_ij = (v_i − v_j)² − λ(v_i² + v_j²): first-order perturbation of (D − A)v = λDv. Nothing is
differentiated through the eigensolver.

Where eigenvalues coincide, single ones have no gradient, only the sum over all that coincide has:
a mean over a part of them gets the gradient of whichever vectors the solver chose, one of the
directions of its subdifferential. Eigenvalues 0 of separate components always have gradient 0.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch.autograd.function import once_differentiable

from modlint.numerics.graph.adjacency import Adjacency
from modlint.numerics.linalg.eigen import leading_pairs


class Solver(Protocol):
    """Finds leading eigenpairs but the first."""

    def __call__(
        self, matrix: Adjacency, scale: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Eigenpairs 2 to count + 1 of D^-½ A D^-½.

        Args:
            matrix: A.
            scale: (vertices,) D^-½.
            count: how many.

        Returns:
            Eigenvalues (count,), descending, and orthonormal eigenvectors (vertices, count).
        """
        ...


def exact(matrix: Adjacency, scale: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Modlint's own solver, in float64; see `Solver`."""
    blocks = {pair: block.double() for pair, block in matrix.blocks.items()}
    values, vectors = leading_pairs(Adjacency(matrix.sizes, blocks), count + 1)
    return values[1:].to(scale), vectors[:, 1:].to(scale)


def smallest_eigenvalues(
    matrix: Adjacency, degree: torch.Tensor, count: int, solver: Solver = exact
) -> torch.Tensor:
    """λ_2 … λ_{count+1} of L_sym: (count,), ascending, differentiable once.

    Args:
        matrix: A; its blocks carry gradients.
        degree: (vertices,) its row sums, all positive.
        count: how many; with λ_1 at most a third of the vertices.
        solver: of eigenpairs.
    """
    values: torch.Tensor = _Eigenvalues.apply(  # type: ignore[no-untyped-call]
        matrix.sizes, tuple(matrix.blocks), degree.rsqrt(), count, solver, *matrix.blocks.values()
    )
    return values


class _Eigenvalues(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        sizes: tuple[int, ...],
        pairs: tuple[tuple[int, int], ...],
        scale: torch.Tensor,
        count: int,
        solver: Solver,
        *blocks: torch.Tensor,
    ) -> torch.Tensor:
        matrix = Adjacency(sizes, dict(zip(pairs, blocks, strict=True)))
        values, vectors = solver(matrix, scale, count)
        ctx.spans, ctx.pairs = matrix.spans, pairs
        ctx.save_for_backward(values, vectors * scale.unsqueeze(1))
        return 1 - values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, v = ctx.saved_tensors
        weighted = v * upstream
        # Σ_m c_m[(v_i − v_j)² − λ(v_i² + v_j²)] = own_i + own_j − 2 Σ_m c_m v_i v_j: one product
        own = ((weighted * v) @ values).unsqueeze(1)
        one = torch.ones_like(own)
        left, right = torch.cat([own, one, v], 1), torch.cat([one, own, -2 * weighted], 1)
        gradients = []
        for i, j in ctx.pairs:
            # (columns, rows), as the weights behind most blocks are stored
            gradient = (left[ctx.spans[j]] @ right[ctx.spans[i]].T).T
            # a block on the diagonal holds each edge twice
            gradients.append(gradient / 2 if i == j else gradient)
        return (None, None, None, None, None, *gradients)
