"""Eigenpairs refined from those of the step before: a training step changes them little."""

from __future__ import annotations

from collections.abc import Callable

import torch

from modlint.numerics.graph.adjacency import Adjacency
from modlint_train.eigenvalues import exact

GUARDS, SWEEPS = 3, 16
"""Vectors kept beyond those wanted; most times that the basis is extended in a call."""

Times = Callable[[torch.Tensor], torch.Tensor]
Pairs = tuple[torch.Tensor, torch.Tensor]


class WarmSolver:
    """A `Solver` that starts from its last answer: thick-restart block Lanczos.

    Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems (2000). The
    last vectors and their last residuals span the first basis, so that most steps take one product
    with the matrix. It solves anew, exactly, at first, every `renew` calls (an eigenvalue that
    comes from outside of the kept vectors is seen then at the latest), when vertices come or go,
    and where it does not converge.

    Args:
        tolerance: largest residual ‖Nu − μu‖ of a wanted pair, N = D^-½ A D^-½; an eigenvalue's
            error is about its square over the gap to the next, a vector's its ratio to the gap.
        renew: calls between exact solutions.
    """

    def __init__(self, tolerance: float = 1e-2, renew: int = 500) -> None:
        self.tolerance, self.renew = tolerance, renew
        self._start: torch.Tensor | None = None
        self._calls = 0

    def __call__(self, matrix: Adjacency, scale: torch.Tensor, count: int) -> Pairs:
        """See `modlint_train.eigenvalues.Solver`."""
        start, self._calls = self._start, self._calls + 1
        if start is not None and self._calls % self.renew and len(start) == len(scale):
            width = _width(matrix, count)
            found = refine(_deflated(matrix, scale), start.to(scale), width, count, self.tolerance)
            if found is not None:
                values, vectors, residuals = found
                self._start = torch.cat([vectors, residuals], 1)
                return values[:count], vectors[:, :count]
        values, self._start = exact(matrix, scale, _width(matrix, count))
        return values[:count], self._start[:, :count]


def _width(matrix: Adjacency, count: int) -> int:
    return min(count + GUARDS, matrix.vertices // 3 - 1)


def _deflated(matrix: Adjacency, scale: torch.Tensor) -> Times:
    """D^-½ A D^-½ without its first pair, (1, D^½ 1), which is known."""
    first = scale.reciprocal()
    first /= torch.linalg.vector_norm(first)

    def times(x: torch.Tensor) -> torch.Tensor:
        product = matrix.times(x * scale.unsqueeze(1)) * scale.unsqueeze(1)
        return torch.addr(product, first, first @ x, alpha=-1)

    return times


def refine(
    times: Times, start: torch.Tensor, width: int, count: int, tolerance: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """The leading eigenpairs of a symmetric operator near a subspace, None without convergence.

    Args:
        times: the operator, applied to (order, any) columns.
        start: (order, at least width), columns that span the subspace.
        width: how many pairs to keep.
        count: how many of them must converge.
        tolerance: their largest residual.

    Returns:
        Eigenvalues (width,), descending, eigenvectors and residuals (order, width) each.
    """
    basis: torch.Tensor = torch.linalg.qr(start).Q
    images = times(basis)
    for _ in range(SWEEPS):
        values, rotation = torch.linalg.eigh(basis.T @ images)
        values, rotation = values[-width:].flip(0), rotation[:, -width:].flip(1)
        basis, images = basis @ rotation, images @ rotation
        residuals = images - basis * values
        if torch.linalg.vector_norm(residuals[:, :count], dim=0).max() <= tolerance:
            return values, basis, residuals
        new = _orthonormal(residuals, basis)
        basis, images = torch.cat([basis, new], 1), torch.cat([images, times(new)], 1)
    return None


def _orthonormal(columns: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """Columns made orthonormal among themselves and to a basis; twice is enough (Parlett)."""
    for _ in range(2):
        columns = torch.linalg.qr(columns - basis @ (basis.T @ columns)).Q
    return columns
