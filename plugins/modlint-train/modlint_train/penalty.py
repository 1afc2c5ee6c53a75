"""The eigenvalue penalty of clusterability (Filan et al., arXiv 2103.03386, section 5)."""

from __future__ import annotations

import torch
from torch import nn

from modlint.network import Network
from modlint.numerics.cluster.clustering import require_enough
from modlint_train.eigenvalues import Solver, exact, smallest_eigenvalues
from modlint_train.graph import live_adjacency
from modlint_train.live import LiveInputs, infer, live_tensors
from modlint_train.warm import WarmSolver


def clusterability_penalty(module: nn.Module, eigenvalues: int = 3) -> torch.Tensor:
    """Mean of the Laplacian's eigenvalues λ_2 … λ_{m+1}: a differentiable scalar in [0, 2].

    (1/m) Σ λ_i(L_sym) of the graph that modlint measures: |w| between units, norms of kernels
    between channels, batch norms folded, isolated units removed. Add λ times it to the loss;
    published is λ = .1 with m = 3. Of several networks in a module the penalties' mean.

    Infers the network and solves exactly each time; in a loop use `ClusterabilityPenalty`.

    Args:
        module: any from whose parameters modlint rebuilds its networks.
        eigenvalues: m, at least 1.

    Raises:
        ValueError: m is below 1.
        NotInferred: modlint rebuilds no network from the module.
        Unavailable: fewer than 3(m + 1) units are connected, or a weight is not finite.
    """
    return ClusterabilityPenalty(module, eigenvalues, warm=False)()


class ClusterabilityPenalty:
    """`clusterability_penalty` for a training loop: the network is inferred once.

    Eigenvectors start from those of the last call and are refined to `tolerance`, in the
    parameters' dtype, at least float32. Call it once per step, in any autocast context.

    Args:
        module: as for `clusterability_penalty`; its layers must stay as they are.
        eigenvalues: m, at least 1.
        warm: False solves exactly each time.
        tolerance: largest residual of an eigenvector, see `WarmSolver`.

    Raises:
        ValueError: m is below 1.
        NotInferred: modlint rebuilds no network from the module.
    """

    def __init__(
        self, module: nn.Module, eigenvalues: int = 3, warm: bool = True, tolerance: float = 1e-2
    ) -> None:
        if eigenvalues < 1:
            raise ValueError(f"{eigenvalues} eigenvalues: at least 1 is needed")
        self._module, self._eigenvalues = module, eigenvalues
        self._solvers: list[tuple[Network, Solver]] = [
            (network, WarmSolver(tolerance) if warm else exact) for network in infer(module)
        ]

    def __call__(self) -> torch.Tensor:
        """The penalty at the parameters' present values.

        Raises:
            Unavailable: fewer than 3(m + 1) units are connected, or a weight is not finite.
        """
        tensors = live_tensors(self._module)
        parts = [
            self._of_network(LiveInputs(network, tensors), solver)
            for network, solver in self._solvers
        ]
        return torch.stack(parts).mean()

    def _of_network(self, inputs: LiveInputs, solver: Solver) -> torch.Tensor:
        with torch.autocast(inputs.device.type, enabled=False):
            matrix, degree = live_adjacency(inputs)
            require_enough(matrix.vertices, self._eigenvalues + 1)
            return smallest_eigenvalues(matrix, degree, self._eigenvalues, solver).mean()
