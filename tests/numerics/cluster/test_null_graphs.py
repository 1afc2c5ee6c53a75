"""The test on networks that are no chains: residual, recurrent, convolutional, in several parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_built import HandInputs, chain, convolutional, random_weights, recurrent, residual
from msgspec.structs import replace

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.weights import WeightArrays
from modlint.numerics.cluster.shuffling import shuffle
from modlint.numerics.graph.adjacency import adjacency
from modlint.results.clusters import Method

SPEC = ClusterTest(Partition(clusters=5), shuffles=9)
NETWORKS = {
    "residual": residual(0, 20, 30, 8),
    "large residual": residual(1, 60, 90, 20),
    "recurrent": recurrent(0, 20, 30, 8),
    "convolutional": convolutional(0, 3, 24, 30, outputs=10),
    "in two parts": chain(*(torch.block_diag(w, w) for w in random_weights(0, 20, 15, 9))),
}


def _spectral_sum(matrix: np.ndarray, k: int) -> float:
    matrix = matrix[matrix.sum(0) > 0][:, matrix.sum(0) > 0]
    scale = matrix.sum(0) ** -0.5
    return float((1 - np.linalg.eigvalsh(scale[:, None] * matrix * scale)[-k:]).sum())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", ["filan2021", "spectral"])
def test_sums_are_those_of_numpy_and_bound_the_cuts(name: str, method: Method) -> None:
    inputs: HandInputs = NETWORKS[name]
    found = inputs.result(replace(SPEC, method=method))
    graph = inputs.result(WeightArrays())
    observed = _spectral_sum(adjacency(graph).dense(), 5)
    assert found.clusters.spectral_sum == pytest.approx(observed, abs=1e-6)
    for number, ours in enumerate(found.spectral.null_samples, 1):
        dense = adjacency(shuffle(graph, "layer", 0, [number])).dense()[0]
        assert ours == pytest.approx(_spectral_sum(dense, 5), abs=1e-6)
    if method == "filan2021":
        pairs = zip(found.null_samples, found.spectral.null_samples, strict=True)
        assert all(ncut >= bound for ncut, bound in pairs)


def test_the_residual_networks_have_odd_cycles() -> None:
    for name in ("residual", "large residual"):
        assert adjacency(NETWORKS[name].tensors_of(WeightArrays())).sides() is None


def test_parts_that_nothing_connects_have_nothing_to_cut() -> None:
    found = NETWORKS["in two parts"].result(Partition(clusters=2))
    assert found.ncut == pytest.approx(0, abs=1e-9)
    assert found.spectral_sum == pytest.approx(0, abs=1e-9)
