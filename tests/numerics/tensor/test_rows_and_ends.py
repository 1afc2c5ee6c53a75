"""Rows, ends, index buffers and copies against numpy and by hand, for every way of cutting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hand_built import as_numpy

from modlint.analysis.rows import MAX_VARIATION
from modlint.errors import Unavailable
from modlint.numerics.tensor import chunks
from modlint.numerics.tensor.ends import ends_of
from modlint.numerics.tensor.index_buffers import index_values
from modlint.numerics.tensor.rows import RowsSoFar
from modlint.results.rows import Rows

TYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(params=[chunks.CHUNK, 7, 64], ids="chunk {}".format, autouse=True)
def _chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", request.param)
    monkeypatch.setattr(chunks, "DEVICE_CHUNK", request.param)


def rows_of(values: torch.Tensor) -> Rows:
    """On numpy and torch, in one go and in parts that are joined."""
    ways = [(as_numpy(values), 1), (values, 1), (as_numpy(values), 3), (values, 2)]
    first, *others = [_fed(given, chunks_of_a_part) for given, chunks_of_a_part in ways]
    assert all(found == first for found in others)
    return first


def _fed(values: Any, chunks_of_a_part: int) -> Rows:
    every = list(chunks.chunks(values))
    so_far = RowsSoFar(tuple(values.shape), MAX_VARIATION)
    for start in range(0, len(every), chunks_of_a_part):
        part = RowsSoFar(tuple(values.shape), MAX_VARIATION)
        for chunk in every[start : start + chunks_of_a_part]:
            part.add(chunk)
        so_far.join(part)
    return so_far.end()


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(6, 64), (6, 4, 4, 4)])
def test_rows_of_one_magnitude(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    scales = torch.tensor([0.5, 1.0, 2.0, 0.0, 4.0, 64.0]).reshape(-1, *[1] * (len(shape) - 1))
    found = rows_of((normal(*shape).sign() * scales).to(dtype))
    assert (found.rows, found.even, found.uneven) == (6, 5, 0)
    assert (found.scale, found.smallest, found.largest, found.outlying) == (2.0, 0.5, 64.0, 5)


def test_rows_of_several_magnitudes_are_not_measured_to_the_end() -> None:
    found = rows_of(normal(20, 64))
    assert (found.even, found.uneven, found.outlying) == (0, 20, None)


def test_some_rows_of_several_magnitudes() -> None:
    values = normal(20, 64).sign()
    values[15:] = normal(5, 64)
    found = rows_of(values)
    assert (found.even, found.uneven) == (15, 5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_rows_that_are_not_finite_have_no_magnitude(value: float) -> None:
    values = normal(8, 64).sign()
    values[7, 63] = value
    found = rows_of(values)
    assert (found.even, found.uneven) == (7, 1)


def test_rows_that_are_the_same() -> None:
    values = normal(1, 7).expand(9, 7).clone()
    assert rows_of(values).identical
    values[8, 6] += 1
    assert not rows_of(values).identical
    assert not rows_of(torch.empty(0, 4)).identical


@pytest.mark.parametrize("dtype", TYPES)
def test_ends(dtype: torch.dtype) -> None:
    values = normal(40, 50).clamp(-1.5, 1.0).to(dtype)
    flat = values.double().numpy().ravel()
    for given in (as_numpy(values), values):
        found = ends_of(given)
        assert (found.low, found.high, found.elements) == (-1.5, 1.0, 2000)
        assert found.at_low == np.count_nonzero(flat == -1.5)
        assert found.at_high == np.count_nonzero(flat == 1.0)
        assert found.near_low == np.count_nonzero((flat > -1.5) & (flat <= -1.485))
        assert found.near_high == np.count_nonzero((flat < 1.0) & (flat >= 0.99))
        assert not found.grid


def test_a_grid_and_what_is_not_finite() -> None:
    values = torch.arange(1024).remainder(256).float()
    values[:3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    found = ends_of(as_numpy(values))
    assert (found.elements, found.low, found.high, found.grid) == (1021, 0.0, 255.0, True)
    assert not ends_of(as_numpy(torch.arange(257.0))).grid
    with pytest.raises(Unavailable):
        ends_of(as_numpy(torch.full((4,), torch.nan)))


@pytest.mark.parametrize(
    ("values", "fractional", "low", "high", "out_of_step", "different"),
    [
        ([[0, 1, 2], [0, 1, 2]], 0, 0, 2, None, 3),
        ([[0, 1, 2], [0, 1, 1]], 0, 0, 2, 5, 3),
        ([0.0, 1.5, 2.0], 1, 0, 2, 1, 3),
        ([float("nan"), float("inf"), 1.0], 2, 1, 1, 1, 1),
        ([float("nan")], 1, 0, 0, None, 0),
        (7, 0, 7, 7, None, 1),
        ([[4], [4]], 0, 4, 4, None, 1),
    ],
)
def test_index_values(
    values: object,
    fractional: int,
    low: float,
    high: float,
    out_of_step: int | None,
    different: int,
) -> None:
    tensor = torch.tensor(values)
    for given in (as_numpy(tensor), tensor):
        found = index_values(given)
        assert (found.fractional, found.minimum, found.maximum) == (fractional, low, high)
        assert (found.out_of_step, found.different) == (out_of_step, different)
