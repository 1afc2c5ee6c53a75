"""Drift against what numpy and torch compute of whole tensors."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from modlint.numerics.compare.drift import drift, scaling

SHAPES = ((70_001,), (300, 500), (64, 32, 3, 3), (1, 7), (3, 1000, 40))
TYPES = (np.float64, np.float32, np.float16, ml_dtypes.bfloat16)


def pair(shape: tuple[int, ...], dtype: type, scale: float) -> tuple[NDArray, NDArray]:
    random = np.random.default_rng(0)
    old = random.standard_normal(shape)
    return old.astype(dtype), (old + scale * random.standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_as_torch_computes(shape: tuple[int, ...], dtype: type, scale: float) -> None:
    old, new = pair(shape, dtype, scale)
    found = drift(old, new)
    x, y = (torch.from_numpy(v.astype(np.float64)).reshape(-1) for v in (old, new))
    assert found.elements == old.size
    assert found.changed == int((x != y).sum())
    assert found.relative == pytest.approx(float((y - x).norm() / x.norm()), rel=1e-5)
    cosine = float(torch.nn.functional.cosine_similarity(x, y, dim=0))
    assert 1 - found.cosine == pytest.approx(1 - cosine, rel=1e-3, abs=1e-12)
    assert found.largest == pytest.approx(float((y - x).abs().max()), rel=1e-6)
    assert found.largest_at == int((y - x).abs().argmax())


@pytest.mark.parametrize("dtype", TYPES)
def test_transposed_views_are_the_same(dtype: type) -> None:
    old, new = pair((300, 700), dtype, 0.1)
    plain, turned = drift(old, new), drift(old, np.ascontiguousarray(new.T).T)
    assert turned.relative == pytest.approx(plain.relative, rel=1e-6)
    assert turned.largest_at == plain.largest_at
    assert turned.changed == plain.changed


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e20, 1e30])
def test_squares_that_float32_does_not_hold(size: float) -> None:
    old, new = pair((100, 100), np.float32, 0.01)
    old, new = (old * size).astype(np.float32), (new * size).astype(np.float32)
    x, y = old.astype(np.float64), new.astype(np.float64)
    expected = np.linalg.norm(y - x) / np.linalg.norm(x)
    assert drift(old, new).relative == pytest.approx(expected, rel=1e-5)


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    old = np.array([1.0, 2.0, np.nan, np.inf, 5.0], np.float32)
    new = np.array([1.0, np.inf, np.nan, np.inf, 6.0], np.float32)
    found = drift(old, new)
    assert (found.not_finite, found.changed, found.largest_at) == (1, 2, 4)
    assert found.relative == pytest.approx(1 / np.sqrt(26))


def test_what_became_zero_is_counted() -> None:
    old = np.arange(10, dtype=np.float32)
    new = np.where(old < 4, 0, old).astype(np.float32)
    assert (drift(old, new).zeroed, drift(old, new).changed) == (3, 3)


def test_equal_bits_are_identical_and_negative_zero_is_not() -> None:
    zeros = np.zeros(10, np.float32)
    assert drift(zeros, zeros.copy()).identical
    assert drift(np.array([np.nan]), np.array([np.nan])).identical
    assert drift(zeros, -zeros).relative == 0


def test_complex_elements_count_as_two() -> None:
    old = np.array([1 + 1j, 2j], np.complex64)
    found = drift(old, old + 1)
    assert found.relative == pytest.approx(np.sqrt(2 / 6))


@pytest.mark.parametrize("shape", [(40, 50), (16, 8, 3, 3)])
def test_factors_of_rows_and_columns_leave_nothing(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    old = random.standard_normal(shape).astype(np.float32)
    rows = random.random((shape[0], *(1,) * (len(shape) - 1)), dtype=np.float32) + 0.5
    columns = random.random((1, shape[1], *(1,) * (len(shape) - 2)), dtype=np.float32) + 0.5
    assert scaling(old, old * rows).rows < 1e-6 < scaling(old, old * rows).columns
    assert scaling(old, old * columns).columns < 1e-6 < scaling(old, old * columns).rows
    noise = old + random.standard_normal(shape)
    assert min(scaling(old, noise).rows, scaling(old, noise).columns) > 0.3
