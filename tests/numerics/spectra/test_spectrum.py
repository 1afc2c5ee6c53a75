"""What is measured of a weight against scipy and numpy: values, norms, ranks, bulks, shuffles."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from modlint.analysis.spectra import TensorSpectrum
from modlint.errors import Unavailable
from modlint.numerics.spectra.eigenvalues import count_below, eigenvalues, singular_values
from modlint.numerics.spectra.matrices import slices_of

Array = np.ndarray[Any, Any]
SINGLE = 2.0**-23
SHAPES = ((40, 30), (30, 40), (64, 64), (9, 200), (16, 8, 3, 3), (8, 24, 1, 1), (12, 20, 5))


def drawn(shape: tuple[int, ...], seed: int = 0, dtype: Any = np.float32) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def reference(values: Array) -> Array:
    """Squared singular values of each slice, ascending, by scipy's SVD."""
    values = values.astype(np.float64)
    slices = values.reshape(*values.shape[:2], -1)
    each = [scipy.linalg.svdvals(slices[..., i]) ** 2 for i in range(slices.shape[2])]
    return np.sort(np.concatenate(each)) * (0.5 if values.ndim == 4 else 1.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_norms_and_ranks_are_those_of_scipy(shape: tuple[int, ...], dtype: Any) -> None:
    values = drawn(shape, dtype=dtype)
    found, expected = TensorSpectrum().of_array(values, SINGLE), reference(values)
    assert found.eigenvalues == len(expected)
    assert found.norm == pytest.approx(expected.sum(), rel=1e-12)
    assert found.spectral_norm == pytest.approx(expected[-1], rel=1e-12)
    assert found.stable_rank == pytest.approx(expected.sum() / expected[-1], rel=1e-12)
    assert found.log_norm == pytest.approx(math.log10(expected.sum()), rel=1e-9)
    shares = np.sqrt(expected) / np.sqrt(expected).sum()
    assert found.effective_rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-9)
    assert found.rank == len(expected)
    assert found.method == "gram"
    assert found.error < 1e-11


@pytest.mark.parametrize("rank", [1, 3, 17, 30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_rank_of_a_product_is_found(rank: int, dtype: Any) -> None:
    values = (drawn((60, rank), 1, np.float64) @ drawn((rank, 30), 2, np.float64)).astype(dtype)
    step = float(np.finfo(dtype).eps)
    assert TensorSpectrum().of_array(values, step).rank == rank
    assert np.linalg.matrix_rank(values) == rank


def test_small_singular_values_are_told_by_an_svd() -> None:
    """Gram matrices lose what is below √eps of the largest; the count does not."""
    left, _ = np.linalg.qr(drawn((400, 50), 3, np.float64))
    right, _ = np.linalg.qr(drawn((50, 50), 4, np.float64))
    sizes = np.concatenate([np.ones(40), np.full(6, 1e-9), np.full(4, 1e-12)])
    matrix = left @ np.diag(sizes) @ right
    found = eigenvalues(slices_of(matrix))
    assert count_below(matrix, found.values[0], found.error, 1e-10) == 4
    assert singular_values(matrix)[::-1] == pytest.approx(scipy.linalg.svdvals(matrix), abs=1e-14)


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.5])
def test_the_largest_alone_are_within_the_stated_error(decay: float) -> None:
    columns = 700
    values = drawn((900, columns), 5) * (1 + np.arange(columns)) ** -decay
    every, some = (eigenvalues(slices_of(values), most) for most in (math.inf, 100))
    assert some.method == "lanczos"
    assert some.values.shape[1] >= 1
    largest = every.values[0][-some.values.shape[1] :]
    off = np.abs(largest - some.values[0]).max() / largest[-1]
    assert off <= some.error + every.error
    assert some.error <= (1e-4 if decay else 0.1)


def test_the_bulk_of_a_random_matrix_is_its_own() -> None:
    values = drawn((900, 300))
    found = TensorSpectrum().of_array(values, SINGLE).bulk
    assert found is not None
    assert found.sigma == pytest.approx(1, abs=0.02)
    edges = [(math.sqrt(900) + sign * math.sqrt(300)) ** 2 for sign in (-1, 1)]
    assert found.lower == pytest.approx(edges[0], rel=0.06)
    assert found.upper == pytest.approx(edges[1], rel=0.06)
    assert found.spikes == 0
    direction = drawn((900, 1), 1) @ drawn((1, 300), 2)
    spiked = TensorSpectrum().of_array(values + direction, SINGLE).bulk
    assert spiked is not None
    assert spiked.spikes == 1
    assert spiked.soft_rank < 0.05


def test_single_large_elements_are_traps_and_correlations_are_none() -> None:
    shuffled = TensorSpectrum(shuffles=True)
    values = drawn((300, 150))
    correlated = values + 0.3 * drawn((300, 1), 1) @ drawn((1, 150), 2)
    for healthy in (values, correlated):
        found = shuffled.of_array(healthy, SINGLE).shuffled
        assert found is not None
        assert found.traps == 0
    values[17, 3], values[40, 90] = 60.0, -80.0
    found = shuffled.of_array(values, SINGLE).shuffled
    assert found is not None
    assert found.traps == 2
    assert found == shuffled.of_array(values, SINGLE).shuffled


def test_periods_of_kernels() -> None:
    places = np.arange(32)
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (8, 4, 1))
    waves = np.sin(2 * np.pi * places / 6.4 + phases).astype(np.float32)
    found = TensorSpectrum().of_array(waves, SINGLE).kernels
    assert found is not None
    assert found.period == pytest.approx(6.4, rel=0.05)
    assert found.share > 0.9
    noise = TensorSpectrum().of_array(drawn((8, 4, 32)), SINGLE).kernels
    assert noise is not None
    assert noise.flatness > 0.8 > found.flatness
    assert TensorSpectrum().of_array(drawn((8, 4, 3)), SINGLE).kernels is None
    assert TensorSpectrum().of_array(drawn((8, 4)), SINGLE).kernels is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((8, 8)), "zero"),
        (np.full((8, 8), np.nan), "finite"),
        (np.full((8, 8), 1e200), "finite"),
        (np.ones((0, 8)), "no matrix"),
        (np.ones(8), "no matrix"),
    ],
)
def test_what_has_no_spectrum_says_why(values: Array, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        TensorSpectrum().of_array(values, SINGLE)


def test_a_product_is_measured_without_forming_it() -> None:
    down, up = drawn((8, 60), 1), drawn((90, 8), 2)
    found = TensorSpectrum().of_product(down, up, 2.0, SINGLE)
    whole = TensorSpectrum().of_array(2.0 * (up.astype(float) @ down.astype(float)), SINGLE)
    assert (found.rows, found.columns, found.eigenvalues) == (90, 60, 8)
    assert found.norm == pytest.approx(whole.norm, rel=1e-9)
    assert found.spectral_norm == pytest.approx(whole.spectral_norm, rel=1e-9)
    assert found.rank == whole.rank == 8


@pytest.mark.parametrize("rank", [1, 8])
def test_a_product_has_the_five_statistics_of_its_elements(rank: int) -> None:
    down, up = drawn((rank, 60), 1), drawn((90, rank), 2)
    found = TensorSpectrum().of_product(down, up, 2.0, SINGLE).update
    product = 2.0 * (up.astype(float) @ down.astype(float))
    shares = scipy.linalg.svdvals(product)[:rank] ** 2
    shares /= shares.sum()
    assert found is not None
    assert found.leading == pytest.approx(np.linalg.norm(product, 2), rel=1e-9)
    assert found.frobenius == pytest.approx(np.linalg.norm(product), rel=1e-9)
    assert found.concentration == pytest.approx(shares[0], rel=1e-9)
    assert found.entropy == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-9, abs=1e-9)
    assert found.kurtosis == pytest.approx(
        scipy.stats.kurtosis(product, axis=None, fisher=False), rel=1e-9
    )


def test_the_kurtosis_of_a_large_product_is_that_of_some_rows() -> None:
    down, up = drawn((2, 3000), 1), drawn((6000, 2), 2)
    found = TensorSpectrum().of_product(down, up, 1.0, SINGLE).update
    whole = scipy.stats.kurtosis(up.astype(float) @ down, axis=None, fisher=False)
    assert found is not None
    assert found.kurtosis == pytest.approx(whole, rel=0.2)
    assert found.kurtosis != whole


def test_a_product_of_equal_elements_has_no_kurtosis() -> None:
    ones = np.ones((2, 9), np.float32)
    found = TensorSpectrum().of_product(ones, ones.T, 1.0, SINGLE).update
    assert found is not None
    assert found.kurtosis is None
    assert found.concentration == pytest.approx(1.0)
