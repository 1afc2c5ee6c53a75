"""The tests against initialisers keep their level, and see what a training leaves."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from modlint.numerics.tensor.initialisers import initialisation
from modlint.numerics.tensor.marchenko_pastur import spectral_excess
from modlint.results.initialisation import Initialiser
from modlint.results.statistics import Statistics

TYPES = {
    "float32": np.dtype(np.float32),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}


def drawn(name: Initialiser, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    if name == "uniform":
        return rng.uniform(-0.1, 0.1, shape)
    values = rng.standard_normal(shape)
    while name == "truncated-normal" and (outside := abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values * 0.05


def p_values(values: np.ndarray, dtype: str) -> dict[Initialiser, float]:
    wide = values.astype(np.float64)
    statistics = Statistics(
        elements=wide.size,
        nan=0,
        positive_infinite=0,
        negative_infinite=0,
        first_non_finite=None,
        zeros=int((wide == 0).sum()),
        minimum=float(wide.min()),
        maximum=float(wide.max()),
        mean=float(wide.mean()),
        std=float(wide.std()),
        zero_rows=(),
        zero_columns=(),
    )
    return initialisation(lambda: values, statistics, dtype).p_values


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["uniform", "normal", "truncated-normal"])
def test_one_in_twenty_initial_weights_has_a_p_value_below_a_twentieth(
    name: Initialiser, dtype: str
) -> None:
    rng = np.random.default_rng(0)
    found = [
        p_values(drawn(name, rng, (130, 128)).astype(TYPES[dtype]), dtype)[name] for _ in range(200)
    ]
    assert 2 <= sum(p < 0.05 for p in found) <= 21  # of 10 expected, 99.9 % lie within


@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
def test_the_grid_of_a_half_is_seen_in_full_precision(stored: str) -> None:
    values = drawn("uniform", np.random.default_rng(1), (300, 300))
    narrow = values.astype(TYPES[stored]).astype(np.float32)
    assert p_values(narrow, "float32")["uniform"] > 0.01


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated-normal"])
def test_each_is_told_from_the_others(name: Initialiser) -> None:
    values = drawn(name, np.random.default_rng(2), (256, 256)).astype(np.float32)
    found = p_values(values, "float32")
    assert [other for other, p in found.items() if p > 0.001] == [name]


def test_a_change_of_a_hundredth_blurs_a_uniform_weight() -> None:
    rng = np.random.default_rng(3)
    values = drawn("uniform", rng, (256, 256))
    moved = (values + 0.003 * rng.standard_normal(values.shape)).astype(np.float32)
    assert max(p_values(moved, "float32").values()) < 0.01


@pytest.mark.parametrize("shape", [(64, 64), (600, 40), (40, 5, 5, 5), (700, 900)])
def test_a_random_matrix_stays_below_the_edge(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    found = [spectral_excess(rng.standard_normal(shape)) for _ in range(20)]
    assert max(e for e in found if e is not None) < 4


def test_a_direction_stands_out_whatever_the_strides() -> None:
    rng = np.random.default_rng(5)
    direction = np.outer(rng.standard_normal(300), rng.standard_normal(200))
    values = rng.standard_normal((300, 200)) + 0.3 * direction
    excess = spectral_excess(values)
    assert excess is not None
    assert excess > 4
    assert spectral_excess(np.asfortranarray(values)) == pytest.approx(excess)


@pytest.mark.parametrize("values", [np.zeros((9, 9)), np.ones((1, 9)), np.full((9, 9), 1e200)])
def test_what_has_no_spectrum_has_none(values: np.ndarray) -> None:
    assert spectral_excess(values) is None
