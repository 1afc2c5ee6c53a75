"""The same numbers on a GPU; skipped, saying so, where there is none."""

from __future__ import annotations

import math

import pytest
import torch
from hand_built import HandInputs, chain, planted_weights, random_weights

from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.units import UnitWeights
from modlint.numerics.linalg import eigen
from modlint.numerics.tensor.statistics import measure

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no CUDA device here"
)


def _on_gpu(inputs: HandInputs) -> HandInputs:
    return HandInputs(inputs.network, inputs.tensors, device=torch.device("cuda"))


def test_statistics() -> None:
    values = torch.randn(300, 70)
    values[3], values[5, 7] = 0, math.nan
    found, expected = measure(values.cuda()), measure(values)
    assert found.mean == pytest.approx(expected.mean)
    assert found.std == pytest.approx(expected.std)
    assert (found.nan, found.zeros, found.first_non_finite, found.zero_rows) == (1, 70, 357, (3,))


def test_unit_weights() -> None:
    first, second = random_weights(0, 6, 5, 4)
    first[3], second[:, 1] = 0, 0
    (found,) = _on_gpu(chain(first, second)).result(UnitWeights())
    assert (found.silent, found.constant, found.off) == ((1,), (3,), (3,))


@pytest.mark.parametrize("whole", [True, False])
def test_cluster_test(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not whole:
        monkeypatch.setattr(eigen, "_decompose_whole", lambda order, k: False)
    spec = ClusterTest(Partition(clusters=10), shuffles=19)
    inputs = chain(*planted_weights(0, 10, 200, 150, 150, 150, 30))
    found, expected = _on_gpu(inputs).result(spec), inputs.result(spec)
    assert found.clusters.spectral_sum == pytest.approx(expected.clusters.spectral_sum, abs=1e-9)
    assert found.clusters.ncut == pytest.approx(expected.clusters.ncut, abs=1e-3)
    assert found.clusters.labels == expected.clusters.labels
    assert found.null_samples == pytest.approx(expected.null_samples, rel=5e-3)
    assert found.p_value == expected.p_value
