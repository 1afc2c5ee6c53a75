"""Moments to the accuracy that `modlint.results.statistics` states, against exact sums."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hand_built import as_numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from modlint.numerics.tensor import chunks
from modlint.numerics.tensor.moments import Moments, moments
from modlint.numerics.tensor.statistics import StatisticsSoFar
from modlint.results.statistics import Statistics

SINGLE = ["float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "int8", "uint8"]
DOUBLE = ["float64", "int32", "int64"]
ORDERS = {"float64": 300, "float32": 37, "bfloat16": 37, "float16": 4, "int32": 9, "int64": 15}
"""Powers of ten that elements may have."""


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Of any type: normal, heavy-tailed, of one magnitude, sparse, far from zero, strided."""
    name = draw(st.sampled_from(SINGLE + DOUBLE))
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    shape = draw(st.sampled_from([(1,), (700,), (40, 50), (3, 2000), (30, 8, 3, 3), (4500, 2)]))
    values = _DRAWN[draw(st.sampled_from(sorted(_DRAWN)))](random, shape)
    values += draw(st.sampled_from([0, 0, 1, 30, 1e4, 1e8]))
    order = ORDERS.get(name, 2)
    least = -order if name.startswith(("float", "bfloat")) else 0
    values *= 10.0 ** (draw(st.integers(least, order)) - np.log10(np.abs(values).max() + 1e-9))
    tensor = torch.from_numpy(values).to(getattr(torch, name))
    return tensor.transpose(0, -1) if draw(st.booleans()) else tensor


_DRAWN = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "heavy": lambda random, shape: random.standard_t(2, shape),
    "signs": lambda random, shape: random.choice([-0.7, 0.7], shape),
    "constant": lambda random, shape: np.full(shape, 0.1),
    "sparse": lambda random, shape: random.standard_normal(shape) * (random.random(shape) < 0.1),
    "positive": lambda random, shape: random.random(shape),
    "orders": lambda random, shape: 10.0 ** random.uniform(-60, 0, shape),
}


def _measured(values: torch.Tensor, size: int) -> Statistics:
    array = as_numpy(values)
    grid = chunks.Grid(array.shape, size)
    so_far = StatisticsSoFar(array.shape)
    for chunk in chunks.within(array, grid, range(len(grid))):
        so_far.add(chunk)
    return so_far.end()


def _exact(values: np.ndarray) -> tuple[float, float, float, float | None]:
    """Mean, std, rms and kurtosis by exact sums of what is first scaled to about one."""
    exponent = math.frexp(float(np.abs(values).max()))[1]
    scaled = np.ldexp(values, -exponent).ravel()
    mean = math.fsum(scaled) / scaled.size
    away = scaled - mean
    variance = math.fsum(away**2) / scaled.size
    rms = math.sqrt(math.fsum(scaled**2) / scaled.size)
    fourth = math.fsum(away**4) / scaled.size
    kurtosis = fourth / variance**2 if np.ptp(scaled) else None
    std = math.sqrt(variance) if np.ptp(scaled) else 0.0
    return (*(math.ldexp(x, exponent) for x in (mean, std, rms)), kurtosis)


@settings(max_examples=300)
@given(tensors(), st.sampled_from([64, 4096, 1 << 17]))
def test_the_stated_accuracy(values: torch.Tensor, size: int) -> None:
    wide = values.to(torch.float64).numpy()
    if not np.isfinite(wide).all():
        return
    found = _measured(values, size)
    mean, std, rms, kurtosis = _exact(wide)
    single = str(values.dtype).removeprefix("torch.") in SINGLE
    limit = 4e-6 if single else 1e-12
    least = 1e-12 * rms
    assert found.mean == pytest.approx(mean, rel=0, abs=limit * rms)
    assert found.std == pytest.approx(std, rel=limit, abs=least)
    assert found.rms == pytest.approx(rms, rel=limit, abs=0)
    assert (found.kurtosis is None) == (kurtosis is None)
    if kurtosis is not None and std > 1e-3 * rms:
        assert found.kurtosis == pytest.approx(kurtosis, rel=2e-4 if single else 1e-9)
    assert (found.minimum, found.maximum) == (wide.min(), wide.max())
    assert found.zeros == (wide == 0).sum()


@pytest.mark.parametrize("order", [-300, -160, -80, 0, 75, 154, 300])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_magnitudes_beyond_the_range_of_powers(order: int, dtype: str) -> None:
    if dtype == "float32" and abs(order) > 75:
        return
    scale = 10.0 ** (order / (2 if dtype == "float32" else 1))
    values = (np.random.default_rng(0).standard_normal(5000) * scale).astype(dtype)
    found = _measured(torch.from_numpy(values), 512)
    mean, std, rms, kurtosis = _exact(values.astype(float))
    assert found.mean == pytest.approx(mean, abs=1e-6 * rms, rel=0)
    assert (found.std, found.rms) == pytest.approx((std, rms), rel=1e-6, abs=0)
    assert found.kurtosis == pytest.approx(kurtosis, rel=1e-5)


@pytest.mark.parametrize("largest", [1.1e-6, 0.9e8])
def test_the_ends_of_the_range_of_float32(largest: float) -> None:
    values = np.full(1 << 16, largest, np.float32)
    values[::2] *= -1
    found = _measured(torch.from_numpy(values), 1 << 16)
    exact = float(values[1])
    assert (found.std, found.rms) == pytest.approx((exact, exact), rel=1e-6, abs=0)
    assert found.kurtosis == pytest.approx(1, rel=1e-6)


def test_the_largest_numbers_there_are() -> None:
    most = sys.float_info.max
    found = _measured(torch.tensor([most, -most, most, -most], dtype=torch.float64), 64)
    assert (found.mean, found.std, found.rms) == (0, most, most)
    assert found.kurtosis == pytest.approx(1)


def test_chunks_of_different_magnitude_are_joined() -> None:
    """Elements around 1e-300, none at all, around 1 and around 1e300."""
    values = np.ones((4, 64)) * [[1e-300], [0], [1], [1e300]]
    values[:, ::2] *= -2
    for rows in ([0, 1], [1, 0], [1, 2], [0, 2, 1], [0, 1, 2, 3], [3, 2, 1, 0]):
        found = _measured(torch.from_numpy(values[rows]), 64)
        mean, std, rms, kurtosis = _exact(values[rows])
        assert (found.mean, found.std) == pytest.approx((mean, std), rel=1e-12, abs=0)
        assert (found.rms, found.kurtosis) == pytest.approx((rms, kurtosis), rel=1e-12, abs=0)


def test_equal_elements_have_no_deviation_at_all() -> None:
    for value in (0.1, -7e-300, 3e300, 0.0):
        found = _measured(torch.full((3, 1000), value, dtype=torch.float64), 64)
        assert (found.std, found.kurtosis) == (0, None)
        assert found.mean == value
        assert found.rms == pytest.approx(abs(value), rel=1e-15, abs=0)


def test_joining_is_as_measuring_at_once() -> None:
    values = np.random.default_rng(1).gamma(2, size=999)
    whole = moments(values, float(values.min()), float(values.max()))
    joined = Moments()
    for part in (values[:10], values[10:11], values[11:]):
        joined = joined.joined(moments(part, float(part.min()), float(part.max())))
    assert joined == pytest.approx(whole, rel=1e-12)


def test_they_do_not_depend_on_the_number_of_threads() -> None:
    code = (
        "import numpy as np; from modlint.numerics.tensor.arrays import power_sums;"
        "values = np.random.default_rng(0).standard_normal((2, 1 << 17));"
        "print(power_sums(values[0]), power_sums(values[1].astype(np.float32)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in (1, 2, 3)
    }
    assert len(found) == 1
