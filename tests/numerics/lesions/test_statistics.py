"""Chances of lesions and their combination, against scipy and the authors' formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import combine_pvalues, kstest

from modlint.numerics.lesions.statistics import Rank, fisher, right_answers, selectivity


def test_fisher_is_scipys() -> None:
    ps = [0.02, 0.3, 0.5, 0.9, 1e-3]
    assert fisher(ps) == pytest.approx(combine_pvalues(ps, method="fisher")[1], rel=1e-12)


def test_without_ties_the_combined_chance_is_the_authors() -> None:
    """Their `combine_ps`: (1 + #{more extreme})/(N + 1), less half of 1/(N + 1), by Fisher."""
    random = np.random.default_rng(0)
    observed, null = random.standard_normal(12), random.standard_normal((12, 20))
    ranks = [Rank.of(float(o), row.tolist()) for o, row in zip(observed, null, strict=True)]
    theirs = (1 + (null > observed[:, None]).sum(1)) / 21 - 0.5 / 21
    expected = combine_pvalues(theirs, method="fisher")[1]
    assert fisher([rank.mid_p for rank in ranks]) == pytest.approx(expected, rel=1e-12)


def test_what_is_alike_everywhere_is_no_effect() -> None:
    rank = Rank.of(0.0, [0.0] * 99)
    assert rank.p_value == 1
    assert rank.mid_p == 0.5


def test_nothing_as_high_is_the_floor() -> None:
    rank = Rank.of(1.0, [0.5, 0.25, 0.0])
    assert rank.p_value == 0.25
    assert rank.mid_p == 0.125


def test_combined_chances_of_discrete_values_do_not_alarm() -> None:
    """Values of few levels, as of lesions that cost a handful of samples."""
    random = np.random.default_rng(1)
    combined = []
    for _ in range(300):
        values = random.integers(0, 4, (8, 21)).astype(float)
        combined.append(fisher([Rank.of(row[0], row[1:].tolist()).mid_p for row in values]))
    assert np.mean(np.array(combined) <= 0.05) <= 0.05
    assert 0.5 <= np.mean(combined) <= 0.65  # on the safe side


def test_combined_chances_of_continuous_values_are_uniform() -> None:
    random = np.random.default_rng(2)
    combined = []
    for _ in range(300):
        values = random.standard_normal((8, 100))
        combined.append(fisher([Rank.of(row[0], row[1:].tolist()).mid_p for row in values]))
    assert kstest(combined, "uniform").pvalue > 0.01


def test_selectivity_of_one_class_is_the_number_of_classes() -> None:
    assert selectivity(np.array([0.0, -0.5, 0.0, 0.0])) == 4


def test_all_classes_alike_are_not_selected() -> None:
    assert selectivity(np.full(5, -0.25)) == 0
    assert selectivity(np.zeros(5)) == 0


def test_where_all_lose_selectivity_is_the_authors() -> None:
    changes = -np.random.default_rng(3).random(10)
    assert selectivity(changes) == pytest.approx(np.ptp(changes / changes.mean()), rel=1e-12)


def test_gains_and_losses_that_cancel_stay_finite() -> None:
    assert selectivity(np.array([0.25, -0.25])) == 2


def test_classes_without_samples_are_not_looked_at() -> None:
    assert selectivity(np.array([np.nan, -0.5, 0.0])) == 2


def test_right_answers_by_class() -> None:
    predicted, labels = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    assert right_answers(predicted, labels, 4).tolist() == [1, 1, 1, 0]
