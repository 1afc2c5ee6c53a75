"""The clusters that CLU007's test finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_built import chain, planted_weights, random_chain, random_weights, rescaled
from sklearn.metrics import adjusted_rand_score

from modlint.analysis.modules import MatchedTest, ModuleClusters
from modlint.errors import Unavailable
from modlint.numerics.cluster.matched.partition import k_means

QUICK = MatchedTest(shuffles=19)


def test_k_means_finds_what_lies_apart() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(200) % 5
    points = random.standard_normal((200, 3)) + 20 * random.standard_normal((5, 3))[truth]
    labels = k_means(points, 5, 0)
    assert adjusted_rand_score(truth, labels) == 1
    assert np.array_equal(labels, k_means(points, 5, 0))


def test_parts_side_by_side_are_the_clusters() -> None:
    weights = [torch.block_diag(*random_weights(0, 12, 12)[:1] * 3) for _ in range(3)]
    found = chain(*weights).result(ModuleClusters(QUICK))
    assert found.sizes == (48, 48, 48)
    assert found.ncut == pytest.approx(0, abs=1e-9)
    for labels in found.labels.values():
        assert len({labels[unit] for unit in range(12)}) == 1


def test_units_that_are_left_out_have_no_cluster() -> None:
    weights = planted_weights(0, 10, 100, 80, 80, 80, 10)
    weights[0][:, :3] = 0
    found = chain(*weights).result(ModuleClusters(QUICK))
    assert found.isolated_units == 3
    assert [labels.count(-1) for labels in found.labels.values()] == [3, 0, 0, 0, 0]
    assert sum(found.sizes) == found.neurons - 3


@pytest.mark.parametrize("sigma", [0.5, 5.0])
def test_scales_of_units_change_no_cluster(sigma: float) -> None:
    weights = planted_weights(0, 10, 100, 80, 80, 80, 10)
    plain, scaled = (
        chain(*w).result(ModuleClusters(QUICK)) for w in (weights, rescaled(weights, sigma))
    )
    assert plain.labels == scaled.labels
    assert plain.ncut == pytest.approx(scaled.ncut, abs=1e-6)


def test_the_cut_is_bounded_by_the_sum() -> None:
    found = random_chain(0, 60, 50, 50, 10).result(ModuleClusters(QUICK))
    assert found.spectral_sum <= found.ncut <= len(found.sizes)


def test_where_there_is_no_test_there_are_no_clusters() -> None:
    with pytest.raises(Unavailable, match="too few"):
        random_chain(0, 3, 3, 2).result(ModuleClusters(QUICK))
