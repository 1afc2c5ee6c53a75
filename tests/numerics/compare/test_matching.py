"""Where the content of one array is found in another."""

from __future__ import annotations

import numpy as np
import pytest

from modlint.analysis.matching import (
    distances,
    find_rows,
    find_run,
    free_places,
    layouts,
    norm,
    product_norm,
    sample,
    scattered,
)

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("axes", [(0, 1), (1, 0)])
def test_the_order_of_axes_of_a_matrix_is_told(axes: tuple[int, ...]) -> None:
    old = RANDOM.standard_normal((60, 60)).astype(np.float32)
    taken = sample(np.ascontiguousarray(old.transpose(axes)), (0, 1))
    found = [(sample(old, way), way) for way in layouts(old.shape, (60, 60))]
    gaps, _ = distances([s for s, _ in found], [taken])
    assert found[int(gaps.argmin())][1] == axes
    assert gaps.min() < 1e-12


@pytest.mark.parametrize("axes", [(2, 3, 1, 0), (3, 2, 0, 1), (0, 2, 3, 1), (0, 3, 1, 2)])
def test_the_order_of_axes_of_a_convolution_is_told(axes: tuple[int, ...]) -> None:
    old = RANDOM.standard_normal((8, 4, 3, 5)).astype(np.float32)
    new = np.ascontiguousarray(old.transpose(axes))
    assert axes in tuple(layouts(old.shape, new.shape))
    gaps, alike = distances([sample(old, axes)], [sample(new, (0, 1, 2, 3))])
    assert gaps[0, 0] < 1e-12
    assert alike[0, 0] == pytest.approx(1)


def test_random_tensors_are_not_alike() -> None:
    samples = [sample(RANDOM.standard_normal((64, 64)), (0, 1)) for _ in range(40)]
    gaps, alike = distances(samples[:20], samples[20:])
    assert gaps.min() > 1.5
    assert abs(alike).max() < 0.3


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_rows_are_found_in_a_joined_matrix(noise: float) -> None:
    parts = [RANDOM.standard_normal((rows, 128)).astype(np.float32) for rows in (64, 32, 32)]
    whole = np.concatenate([parts[2], parts[0], parts[1]])
    whole = whole + noise * RANDOM.standard_normal(whole.shape)
    found = find_rows(whole, parts)
    assert [start for start, _ in found] == [32, 96, 0]
    assert find_rows(whole, [RANDOM.standard_normal((8, 128))]) == [(None, False)]


def test_rows_in_another_order_are_told() -> None:
    parts = [RANDOM.standard_normal((32, 16)).astype(np.float32) for _ in range(3)]
    whole = np.stack([part.reshape(4, 8, 16) for part in parts], 1).reshape(96, 16)
    assert find_rows(whole, parts) == [(None, True)] * 3


def test_vectors_are_found_among_free_places() -> None:
    whole = RANDOM.standard_normal(100)
    free = free_places(100)
    assert find_run(whole, whole[40:60], free) == 40
    free[45] = False
    assert find_run(whole, whole[40:60], free) is None
    assert scattered(whole, whole[::-3])
    assert not scattered(whole, RANDOM.standard_normal(5))


@pytest.mark.parametrize(("rank", "inner"), [(1, 20), (1, 64), (4, 20), (4, 64), (16, 64)])
def test_norm_of_a_product_without_the_product(rank: int, inner: int) -> None:
    a = RANDOM.standard_normal((rank, inner)).astype(np.float32)
    b = RANDOM.standard_normal((48, rank)).astype(np.float32)
    assert product_norm(a, b) == pytest.approx(np.linalg.norm(b @ a), rel=1e-5)
    assert norm(b) == pytest.approx(np.linalg.norm(b), rel=1e-6)
