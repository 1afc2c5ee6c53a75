"""How far partitions agree, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from modlint.numerics.cluster.consensus import adjusted_rand, medoid, stability


@pytest.mark.parametrize("seed", range(5))
def test_the_adjusted_rand_index_is_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    one = random.integers(0, 5, 200)
    other = np.where(random.random(200) < 0.2 * seed, random.integers(0, 7, 200), one)
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def test_names_of_clusters_do_not_matter() -> None:
    one = np.arange(30) % 3
    assert adjusted_rand(one, (one + 1) % 3) == 1
    assert adjusted_rand(np.zeros(4, int), np.zeros(4, int)) == 1


def test_the_medoid_is_nearest_to_the_others() -> None:
    near = np.repeat([0, 1, 2], 20)
    one, other, far = near.copy(), near.copy(), np.arange(60) % 3
    one[:4], other[20:24] = 1, 2
    chosen, agreement = medoid([far, one, near, other])
    assert chosen == 2
    assert agreement is not None
    assert 0 < agreement < 1
    assert medoid([near, near]) == (0, 1.0)
    assert medoid([far]) == (0, None)


def test_a_unit_stays_where_most_of_its_cluster_goes() -> None:
    own = np.array([0, 0, 0, 1, 1, 1])
    renamed = np.array([1, 1, 1, 0, 0, 0])
    moved = np.array([0, 0, 1, 1, 1, 1])
    assert stability([own, renamed, moved], 0).tolist() == [1, 1, 0.5, 1, 1, 1]
    assert np.isnan(stability([own], 0)).all()
