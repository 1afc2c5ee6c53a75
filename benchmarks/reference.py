"""The published test done with scikit-learn: same graph, same shuffles, nothing else of modlint's.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386: `SpectralClustering` on the
absolute weights, n-cut without the factor ½, every layer's weights permuted within the layer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from sklearn.cluster import SpectralClustering

from modlint.analysis.numerics.seeds import permutation

CLUSTERS = 12
RESTARTS = 25


@dataclass(frozen=True, slots=True)
class Measured:
    """One network's test: observed n-cut, its null, and the CPU seconds that all took."""

    ncut: float
    null_mean: float
    null_std: float
    z_score: float
    cpu_seconds: float


def measure(path: Path, shuffles: int) -> Measured:
    """Test the network in a state_dict of linear layers."""
    start = time.process_time()
    state = torch.load(path, weights_only=True)
    weights = [w.abs().double().numpy().T for name, w in state.items() if name.endswith("weight")]
    observed = _ncut(weights)
    null = [_ncut(_shuffled(weights, number)) for number in range(1, shuffles + 1)]
    mean, std = float(np.mean(null)), float(np.std(null))
    used = time.process_time() - start
    return Measured(observed, mean, std, (observed - mean) / std, used)


def _shuffled(weights: list[np.ndarray], number: int) -> list[np.ndarray]:
    orders = (permutation(0, number, i, w.size).numpy() for i, w in enumerate(weights))
    return [w.ravel()[o].reshape(w.shape) for w, o in zip(weights, orders, strict=True)]


def _ncut(weights: list[np.ndarray]) -> float:
    """n-cut of scikit-learn's clusters; weights are (in, out) and not negative."""
    sizes = [weights[0].shape[0], *(w.shape[1] for w in weights)]
    blocks: list[list[np.ndarray | None]] = [[None] * len(sizes) for _ in sizes]
    for i, w in enumerate(weights):
        blocks[i][i + 1], blocks[i + 1][i] = w, w.T
    adjacency = sparse.csr_matrix(sparse.block_array(blocks))
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    assert (degree > 1e-8 * degree.mean()).all(), "a network with isolated neurons"
    labels = SpectralClustering(
        CLUSTERS, affinity="precomputed", eigen_solver="arpack", n_init=RESTARTS, random_state=0
    ).fit_predict(adjacency)
    members = np.eye(CLUSTERS)[labels]
    within = np.einsum("nc,nc->c", members, adjacency @ members)
    return float((1 - within / (degree @ members)).sum())
