"""The tests done with scikit-learn and scipy: same graph, same shuffles, nothing else of modlint's.

Filan et al., Clusterability in Neural Networks, arXiv 2103.03386: `SpectralClustering` on the
absolute weights, n-cut without the factor ½, every layer's weights permuted within the layer. The
sum of the 12 smallest eigenvalues of the normalised Laplacian, by scipy, on the same.
Neurons whose strength is below 1e-8 of their layer's mean strength are removed from the network,
and from each shuffle after it is permuted: they would divide by nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from scipy.linalg import svdvals
from sklearn.cluster import SpectralClustering

from modlint.numerics.tensor.seeds import permutations

CLUSTERS = 12
RESTARTS = 25
ISOLATED = 1e-8

Weights = list[np.ndarray]
"""Absolute weights of each layer, (in, out)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One network's test: the observed statistic, its null, and the time that all took."""

    observed: float
    null_mean: float
    null_std: float
    z_score: float
    p_value: float
    cpu_seconds: float
    wall_seconds: float


def measure(path: Path, shuffles: int, statistic: Callable[[Weights], float]) -> Measured:
    """Test a network."""
    wall, cpu = time.perf_counter(), time.process_time()
    weights = load(path)
    observed = statistic(live(weights))
    null = [statistic(shuffled(weights, number)) for number in range(1, shuffles + 1)]
    mean, std = float(np.mean(null)), float(np.std(null))
    return Measured(
        observed,
        mean,
        std,
        z_score=(observed - mean) / std,
        p_value=(1 + sum(sample <= observed for sample in null)) / (shuffles + 1),
        cpu_seconds=time.process_time() - cpu,
        wall_seconds=time.perf_counter() - wall,
    )


def load(path: Path) -> Weights:
    """The graph of the network in a state_dict of linear layers."""
    state = torch.load(path, weights_only=True)
    return [w.abs().double().numpy().T for name, w in state.items() if name.endswith("weight")]


def shuffled(weights: Weights, number: int) -> Weights:
    """A shuffle of a graph, without the neurons that it isolates."""
    orders = (permutations(0, [number], i, w.size)[0] for i, w in enumerate(weights))
    return live([w.ravel()[o].reshape(w.shape) for w, o in zip(weights, orders, strict=True)])


def ncut(weights: Weights) -> float:
    """n-cut of scikit-learn's clusters."""
    matrix = adjacency(weights)
    labels = SpectralClustering(
        CLUSTERS, affinity="precomputed", eigen_solver="arpack", n_init=RESTARTS, random_state=0
    ).fit_predict(matrix)
    return cut(matrix, np.eye(CLUSTERS)[labels])


def cut(matrix: sparse.csr_matrix, members: np.ndarray) -> float:
    """n-cut of the clusters whose members are the ones in (neurons, clusters) zeros and ones."""
    within = np.einsum("nc,nc->c", members, matrix @ members)
    return float((1 - within / (matrix.sum(0) @ members)).sum())


def spectral_sum(weights: Weights) -> float:
    """Sum of the smallest eigenvalues of the normalised Laplacian, by LAPACK's exact SVD.

    Layers of even and odd number make the graph bipartite: the normalised adjacency's largest
    eigenvalues are the singular values of its block between the two.
    """
    degrees = _degrees(weights)
    scale = sparse.diags_array(np.concatenate(degrees) ** -0.5)
    normalised = sparse.csr_matrix(scale @ adjacency(weights) @ scale)
    odd = np.repeat(np.arange(len(degrees)) % 2, [len(group) for group in degrees]) == 1
    return float((1 - svdvals(normalised[~odd][:, odd].toarray())[:CLUSTERS]).sum())


def _degrees(weights: Weights) -> list[np.ndarray]:
    """Strength of each neuron, by group."""
    inner = [w.sum(0) + x.sum(1) for w, x in pairwise(weights)]
    return [weights[0].sum(1), *inner, weights[-1].sum(0)]


def live(weights: Weights) -> Weights:
    """The weights between neurons that are not isolated."""
    while True:
        degrees = _degrees(weights)
        keep = [(degree > 0) & (degree >= ISOLATED * degree.mean()) for degree in degrees]
        if all(group.all() for group in keep):
            return weights
        weights = [w[np.ix_(*keep[i : i + 2])] for i, w in enumerate(weights)]


def adjacency(weights: Weights) -> sparse.csr_matrix:
    """The symmetric matrix of all edges."""
    sizes = [weights[0].shape[0], *(w.shape[1] for w in weights)]
    blocks: list[list[np.ndarray | None]] = [[None] * len(sizes) for _ in sizes]
    for i, w in enumerate(weights):
        blocks[i][i + 1], blocks[i + 1][i] = w, w.T
    return sparse.csr_matrix(sparse.block_array(blocks))
