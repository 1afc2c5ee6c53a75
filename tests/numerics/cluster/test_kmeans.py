"""k-means against scikit-learn's, from the same centres, and on awkward points."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from modlint.numerics.cluster import kmeans
from modlint.numerics.tensor.seeds import Stream


def _points(n: int, d: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, dtype=torch.float64, generator=generator)


def _stream(seed: int = 0) -> Stream:
    return Stream("k-means", seed)


def _labels(points: torch.Tensor, k: int, seed: int = 0) -> torch.Tensor:
    """By the best of 25 restarts: the same on the arrays of both libraries."""
    found = kmeans.cluster(points.numpy(), k, 25, _stream(seed))
    assert kmeans.cluster(points, k, 25, _stream(seed)).tolist() == found.tolist()
    return torch.asarray(found)


def _inertia(points: torch.Tensor, labels: torch.Tensor) -> float:
    groups = (points[labels == label] for label in labels.unique())
    return sum(float((group - group.mean(0)).square().sum()) for group in groups)


def _reference(points: torch.Tensor, centres: torch.Tensor) -> KMeans:
    return KMeans(len(centres), init=centres.numpy(), n_init=1).fit(points.numpy())


@pytest.mark.parametrize("seed", range(5))
def test_lloyd_ends_where_scikit_learn_does(seed: int) -> None:
    points = _points(300, 5, seed)
    points -= points.mean(0)
    centres = points[torch.randint(300, (4, 7), generator=torch.Generator().manual_seed(seed))]
    ended = kmeans._lloyd(points, centres)
    for start, end in zip(centres, ended, strict=True):
        np.testing.assert_allclose(end, _reference(points, start).cluster_centers_, atol=1e-12)


def test_empty_clusters_move_to_the_farthest_points_as_in_scikit_learn() -> None:
    points = _points(60, 2)
    points -= points.mean(0)
    centres = points[:6].clone()
    centres[4:] = torch.tensor([[90.0, 90.0], [-80.0, 95.0]])
    ended = kmeans._lloyd(points, centres[None])
    reference = _reference(points, centres)
    order = np.lexsort(reference.cluster_centers_.T)
    np.testing.assert_allclose(
        ended[0][np.lexsort(ended[0].T.numpy())], reference.cluster_centers_[order], atol=1e-12
    )


def test_finds_separate_blobs() -> None:
    centres = torch.tensor([[0.0, 0], [50, 0], [0, 50], [50, 50], [25, 99]]).double()
    blobs = centres.repeat_interleave(20, 0) + _points(100, 2)
    labels = _labels(blobs, 5)
    assert [len(labels[20 * i : 20 * i + 20].unique()) for i in range(5)] == [1] * 5
    assert len(labels.unique()) == 5


def test_as_good_as_scikit_learn() -> None:
    points = _points(200, 4)
    ours = [_inertia(points, _labels(points, 8, s)) for s in range(4)]
    with threadpool_limits(1):  # its BLAS threads would fight with torch's
        theirs = [KMeans(8, n_init=25, random_state=s).fit(points).inertia_ for s in range(4)]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.005)


def test_batches_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    points = _points(200, 4)
    whole = _labels(points, 6)
    monkeypatch.setattr(kmeans, "BATCH", 6 * 200 * 3)
    assert _labels(points, 6).equal(whole)


@pytest.mark.parametrize("outlier", [1.0, 1e5])
def test_float32_serves_where_the_range_of_the_points_allows_it(outlier: float) -> None:
    """Blobs 1 apart and one point far away: rounded to float32 at 1e5, the blobs would merge."""
    blobs = torch.linspace(0, 9, 10).double().repeat_interleave(20).unsqueeze(1)
    points = torch.cat([blobs + 1e-3 * _points(200, 1), torch.tensor([[9 + outlier]]).double()])
    assert kmeans._fits_float32(points - points.mean(0)) == (outlier == 1.0)
    labels = _labels(points, 11)
    assert len(labels.unique()) == 11
    assert [len(part.unique()) for part in labels[:200].view(10, 20)] == [1] * 10


def test_fewer_distinct_points_than_clusters() -> None:
    points = torch.tensor([[0.0], [1.0], [5.0]]).double().repeat(10, 1)
    labels = _labels(points, 6)
    assert _inertia(points, labels) == pytest.approx(0)


def test_ties_belong_to_one_cluster() -> None:
    points = torch.tensor([[-1.0], [0.0], [1.0]]).double()
    centres = torch.tensor([[[-1.0], [1.0]]]).double()
    ended = kmeans._lloyd(points, centres)
    assert ended.flatten().tolist() == pytest.approx([-0.5, 1.0])


def test_two_clusters() -> None:
    points = torch.cat([_points(20, 1), _points(20, 1) + 40])
    labels = _labels(points, 2)
    assert torch.bincount(labels).tolist() == [20, 20]
