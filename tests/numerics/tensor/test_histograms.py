"""Histograms of the leading bits against those of the values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modlint.numerics.tensor.histograms import HistogramSoFar


class Elements:
    """A chunk of float32, or of float64."""

    def __init__(self, values: np.ndarray) -> None:
        self.stored = self.values = self.floats = values


def histogram(values: np.ndarray, bins: int = 16, parts: int = 1):
    first, *others = [HistogramSoFar(bins) for _ in range(parts)]
    for part, piece in zip((first, *others), np.array_split(values, parts), strict=True):
        part.add(Elements(piece))
    for other in others:
        first.join(other)
    return first.end()


@pytest.mark.parametrize("scale", [1e-30, 0.02, 1.0, 1e30])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_counts_are_those_of_the_values(scale: float, kind: type, shift: float) -> None:
    values = ((np.random.default_rng(0).normal(size=20_000) + shift) * scale).astype(kind)
    found = histogram(values)
    assert found is not None
    assert found.elements == sum(found.counts) + found.below + found.above == 20_000
    expected, _ = np.histogram(values, 16, (found.low, found.high))
    assert np.abs(np.array(found.counts) - expected).max() <= 0.03 * 20_000
    assert found.below + found.above <= 0.0012 * 20_000


def test_parts_are_joined() -> None:
    values = np.random.default_rng(1).normal(size=999).astype(np.float32)
    assert histogram(values) == histogram(values, parts=3)


def test_an_outlier_hides_nothing() -> None:
    values = np.random.default_rng(2).normal(size=100_000).astype(np.float32)
    values[7] = 1e6
    found = histogram(values)
    assert found is not None
    assert 3 < found.high < 5
    assert found.above >= 1


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf]])
def test_what_is_not_finite_has_none(values: list[float]) -> None:
    assert histogram(np.array(values, np.float32)) is None


@pytest.mark.parametrize("value", [0.0, -2.0, 3.0, 1e-45, 3.4e38, -3.4e38])
def test_one_value(value: float) -> None:
    found = histogram(np.full(10, value, np.float32))
    assert found is not None
    assert sum(found.counts) == 10
    assert found.low <= value <= found.high or value == pytest.approx(found.low, rel=0.01)


def test_doubles_beyond_float32_are_left_out() -> None:
    found = histogram(np.array([1.0, 2.0, 1e300]))
    assert found is not None
    assert found.elements == 2


def test_torch_gives_the_same() -> None:
    values = np.random.default_rng(3).normal(size=5_000).astype(np.float32)
    sofar = HistogramSoFar(16)
    sofar.add(Elements(torch.from_numpy(values)))  # type: ignore[arg-type]
    assert sofar.end() == histogram(values)
