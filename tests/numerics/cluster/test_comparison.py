"""Statistics of a test against shuffles, beside scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modlint.errors import Unavailable
from modlint.numerics.cluster.comparison import compare, decided, interval

SAMPLES = [10.2, 10.1, 10.4, 10.3, 10.0, 10.25, 10.15]


def test_statistics_of_the_null() -> None:
    found = compare(10.05, SAMPLES)
    assert found.null_mean == pytest.approx(np.mean(SAMPLES))
    assert found.null_std == pytest.approx(np.std(SAMPLES))
    assert found.z_score == pytest.approx((10.05 - np.mean(SAMPLES)) / np.std(SAMPLES))
    mad = stats.median_abs_deviation(SAMPLES, scale=1 / 1.4826)
    assert found.robust_z == pytest.approx((10.05 - np.median(SAMPLES)) / mad)
    assert found.effect_size == pytest.approx((10.2 - 10.05) / 10.2)
    assert (found.p_value, found.p_worse, found.p_two_sided) == (2 / 8, 7 / 8, 4 / 8)


def test_equal_samples_count_on_either_side() -> None:
    found = compare(10.1, SAMPLES)
    assert (found.p_value, found.p_worse) == (3 / 8, 7 / 8)


@pytest.mark.parametrize(("lower", "samples"), [(0, 50), (3, 40), (40, 40), (10, 17)])
def test_interval_is_that_of_clopper_and_pearson(lower: int, samples: int) -> None:
    expected = stats.binomtest(lower, samples).proportion_ci(0.95, method="exact")
    assert interval(lower, samples) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("lower", "samples"), [(10, 17), (10, 400), (3, 3)])
def test_interval_of_inverse_sampling_covers_p(lower: int, samples: int) -> None:
    """The chances that make so many draws, or more or fewer, 2.5 % likely."""
    low, high = interval(lower, samples, stopped=True)
    assert low < lower / samples <= high
    assert stats.nbinom.cdf(samples - lower, lower, low) == pytest.approx(0.025)
    if high < 1:
        assert stats.nbinom.sf(samples - lower - 1, lower, high) == pytest.approx(0.025)


def test_nothing_deviating() -> None:
    assert compare(0.0, [1.0, 1.0, 1.0, 2.0]).robust_z is None
    assert compare(0.0, [0.0, 0.0, 1.0]).effect_size is None
    with pytest.raises(Unavailable, match="no spread"):
        compare(1.0, [2.0, 2.0])


def test_a_test_ends_with_enough_extremes_on_both_sides() -> None:
    assert not decided(10.05, SAMPLES, None)
    assert decided(10.05, SAMPLES, 1)
    assert not decided(10.05, SAMPLES, 2)  # 10.0 alone is as low
    assert compare(10.05, SAMPLES, 1).p_value == 1 / 5  # the fifth is the first as low
    assert compare(10.05, SAMPLES, 1).p_worse == 1
    assert compare(10.05, SAMPLES, 2).p_value == 2 / 8


@pytest.mark.parametrize("most", [50, 1000])
def test_sequential_p_values_are_valid_on_both_sides(most: int) -> None:
    """Of 4,000 true nulls, no more than a share of α has p ≤ α, on either side."""
    random = np.random.default_rng(0)
    p_values, p_worse = [], []
    for _ in range(4000):
        observed, *samples = random.normal(size=most + 1).tolist()
        taken = next((n for n in range(1, most) if decided(observed, samples[:n], 4)), most)
        found = compare(observed, samples[:taken], 4)
        p_values.append(found.p_value)
        p_worse.append(found.p_worse)
    for ps in (p_values, p_worse):
        for level in (0.02, 0.05, 0.1, 0.25, 0.5):
            share = np.mean(np.array(ps) <= level + 1e-12)
            assert share <= level + 3 * (level * (1 - level) / 4000) ** 0.5
