"""Eigenpairs refined from those of the step before: a training step changes them little."""

from __future__ import annotations

from collections.abc import Callable

import torch

from modlint.analysis.numerics.adjacency import Adjacency
from modlint_train.eigenvalues import exact

GUARDS, DEPTH, SWEEPS = 3, 1, 16
"""Vectors kept beyond those wanted, blocks by which a sweep extends the basis, most sweeps."""

Times = Callable[[torch.Tensor], torch.Tensor]
Pairs = tuple[torch.Tensor, torch.Tensor]


class WarmSolver:
    """A `Solver` that starts from its last answer: thick-restart block Lanczos.

    Wu & Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems (2000). It
    solves anew, exactly, at first, every `renew` calls (an eigenvalue that comes from outside of
    the kept vectors is seen then at the latest), when vertices come or go, and where it does not
    converge.

    Args:
        tolerance: largest residual ‖Nu − μu‖ of a wanted pair, N = D^-½ A D^-½; an eigenvalue's
            error is about its square over the gap to the next.
        renew: calls between exact solutions.
    """

    def __init__(self, tolerance: float = 1e-3, renew: int = 500) -> None:
        self.tolerance, self.renew = tolerance, renew
        self._vectors: torch.Tensor | None = None
        self._calls = 0

    def __call__(self, matrix: Adjacency, scale: torch.Tensor, count: int) -> Pairs:
        """See `modlint_train.eigenvalues.Solver`."""
        start, self._calls = self._vectors, self._calls + 1
        found = None
        if start is not None and self._calls % self.renew and len(start) == len(scale):
            found = refine(_deflated(matrix, scale), start.to(scale), count, self.tolerance)
        if found is None:
            width = min(count + GUARDS, matrix.vertices // 3 - 1)
            found = exact(matrix, scale, width)
        values, self._vectors = found
        return values[:count], self._vectors[:, :count]


def _deflated(matrix: Adjacency, scale: torch.Tensor) -> Times:
    """D^-½ A D^-½ without its first pair, (1, D^½ 1), which is known."""
    first = scale.reciprocal()
    first /= torch.linalg.vector_norm(first)

    def times(x: torch.Tensor) -> torch.Tensor:
        product = matrix.times(x * scale.unsqueeze(1)) * scale.unsqueeze(1)
        return torch.addr(product, first, first @ x, alpha=-1)

    return times


def refine(times: Times, start: torch.Tensor, count: int, tolerance: float) -> Pairs | None:
    """The leading eigenpairs of a symmetric operator near a subspace, None without convergence.

    Args:
        times: the operator, applied to (order, any) columns.
        start: (order, width), approximate eigenvectors, width at least `count`.
        count: how many pairs must converge.
        tolerance: their largest residual.

    Returns:
        Eigenvalues (width,), descending, and eigenvectors (order, width).
    """
    width = start.shape[1]
    basis: torch.Tensor = torch.linalg.qr(start).Q
    images = fresh = times(basis)
    for _ in range(SWEEPS):
        for _ in range(DEPTH):
            new = _orthonormal(fresh, basis)
            fresh = times(new)
            basis, images = torch.cat([basis, new], 1), torch.cat([images, fresh], 1)
        values, rotation = torch.linalg.eigh(basis.T @ images)
        values, rotation = values[-width:].flip(0), rotation[:, -width:].flip(1)
        basis, images = basis @ rotation, images @ rotation
        fresh = images - basis * values
        if torch.linalg.vector_norm(fresh[:, :count], dim=0).max() <= tolerance:
            return values, basis
    return None


def _orthonormal(columns: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """Columns made orthonormal among themselves and to a basis; twice is enough (Parlett)."""
    for _ in range(2):
        columns = torch.linalg.qr(columns - basis @ (basis.T @ columns)).Q
    return columns
