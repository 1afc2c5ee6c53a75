"""Tensor statistics against numpy."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from hand_built import as_numpy

from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.numerics.tensor import chunks
from modlint.numerics.tensor.statistics import StatisticsSoFar
from modlint.numerics.tensor.values import values_of
from modlint.results.statistics import Statistics

FLOATS = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
SIZES = [chunks.CHUNK, 7, 64]


@pytest.fixture(params=SIZES, ids="chunk {}".format)
def _chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", request.param)
    monkeypatch.setattr(chunks, "DEVICE_CHUNK", request.param)
    monkeypatch.setattr(chunks, "CHUNKS_OF_A_PART", 3)


def measure(values: torch.Tensor) -> Statistics:
    """As files are measured, on numpy; torch's tensors give the same counts."""
    found, on_torch = _fed(as_numpy(values)), _fed(values)
    _assert_equal(on_torch, found)
    return found


def _fed(values: object) -> Statistics:
    """In parts that are joined, as a large tensor is measured."""
    shape = tuple(values.shape)
    so_far = StatisticsSoFar(shape)
    for part in chunks.parts(values):
        later = StatisticsSoFar(shape)
        for chunk in part:
            later.add(chunk)
        so_far.join(later)
    return so_far.end()


def _reference(values: np.ndarray) -> Statistics:
    flat, finite = values.ravel(), np.isfinite(values)
    kept, bad = values[finite], np.flatnonzero(~finite.ravel())
    matrix = values.ndim >= 2
    return Statistics(
        elements=flat.size,
        nan=int(np.isnan(flat).sum()),
        positive_infinite=int(np.isposinf(flat).sum()),
        negative_infinite=int(np.isneginf(flat).sum()),
        first_non_finite=int(bad[0]) if bad.size else None,
        zeros=int((flat == 0).sum()),
        minimum=float(kept.min()) if kept.size else None,
        maximum=float(kept.max()) if kept.size else None,
        mean=float(kept.mean()) if kept.size else None,
        std=float(kept.std()) if kept.size else None,
        zero_rows=_zero_slices(values, 0) if matrix else (),
        zero_columns=_zero_slices(values, 1) if matrix else (),
        rms=math.sqrt(float((kept**2).mean())) if kept.size else None,
        kurtosis=_kurtosis(kept) if kept.size and kept.std() else None,
    )


def _kurtosis(values: np.ndarray) -> float:
    return float(((values - values.mean()) ** 4).mean() / values.var() ** 2)


def _zero_slices(values: np.ndarray, axis: int) -> tuple[int, ...]:
    others = tuple(a for a in range(values.ndim) if a != axis)
    return tuple(np.flatnonzero(~(values != 0).any(axis=others)).tolist())


def _assert_equal(found: Statistics, expected: Statistics) -> None:
    for name in Statistics.__slots__:
        left, right = getattr(found, name), getattr(expected, name)
        if name in ("mean", "std", "rms", "kurtosis") and right is not None:
            assert left == pytest.approx(right, rel=1e-5, abs=1e-6), name
        elif isinstance(right, float):
            assert left == pytest.approx(right, rel=1e-14, abs=0), name
        else:
            assert left == right, name


def _messy(shape: tuple[int, ...]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(shape, generator=generator) + 2
    values[:, 1] = 0
    values[2] = 0
    values.view(-1)[-3:] = torch.tensor([math.nan, math.inf, -math.inf])
    values[-1, 0] = math.inf
    return values


@pytest.mark.usefixtures("_chunk")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(5, 4), (4, 3, 5), (9, 3, 2, 2)])
def test_floats(dtype: str, shape: tuple[int, ...]) -> None:
    values = _messy(shape).to(getattr(torch, dtype))
    _assert_equal(measure(values), _reference(values.to(torch.float64).numpy()))


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
def test_integers(dtype: str) -> None:
    values = torch.tensor([[0, 1, 0], [3, 7, 0], [0, 0, 0]]).to(getattr(torch, dtype))
    _assert_equal(measure(values), _reference(values.to(torch.float64).numpy()))


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "complex32"])
def test_complex_elements_are_measured_by_their_modulus(dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ComplexHalf is experimental
        values = torch.tensor([[3 + 4j, 0], [complex(math.inf, math.nan), 1j]])
        found = measure(values.to(getattr(torch, dtype)))
    assert (found.nan, found.positive_infinite, found.zeros) == (1, 0, 1)
    assert (found.minimum, found.maximum, found.mean) == (0, 5, 2)
    assert found.first_non_finite == 2


@pytest.mark.usefixtures("_chunk")
def test_strided_views_are_measured_as_they_are() -> None:
    values = _messy((12, 9))
    for view in (values.T, values[::2, 1:], values.reshape(12, 3, 3).permute(2, 0, 1)):
        _assert_equal(measure(view), _reference(view.double().numpy()))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 4), (4, 0), (3, 0, 2)])
def test_odd_shapes(shape: tuple[int, ...]) -> None:
    values = torch.full(shape, 2.5)
    expected = _reference(values.double().numpy())
    if values.numel() == 0:
        assert measure(values) == Statistics(0, 0, 0, 0, None, 0, *[None] * 4, (), (), None, None)
    else:
        _assert_equal(measure(values), expected)


def test_nothing_finite() -> None:
    found = measure(torch.full((2, 2), math.nan))
    assert (found.nan, found.mean, found.std, found.minimum) == (4, None, None, None)
    assert found.non_finite == 4


@pytest.mark.usefixtures("_chunk")
def test_moments_survive_a_large_offset() -> None:
    values = torch.arange(2000, dtype=torch.float64).view(40, 50) % 7 + 1e8
    assert measure(values).std == pytest.approx(float(values.numpy().std()), rel=1e-6)


def test_first_non_finite_is_found_in_a_later_chunk() -> None:
    values = torch.zeros(3, chunks.CHUNK)
    values[2, 11] = math.nan
    values[2, 12] = math.inf
    assert measure(values).first_non_finite == 2 * chunks.CHUNK + 11


def test_the_sizes_of_a_tensor_without_elements_cost_no_memory() -> None:
    statistics = measure(torch.empty(0, 1 << 50))
    assert (statistics.elements, statistics.zero_columns) == (0, ())


@pytest.mark.parametrize("name", [n for n, d in DTYPES.items() if d.bits >= 8])
def test_every_element_type_is_read_as_torch_reads_it(name: str) -> None:
    """All bytes, so for types of one byte every value, and NaN, infinity and −0 for others."""
    dtype = DTYPES[name]
    data = bytes(range(256)) * 16
    shape = (4, len(data) * 8 // dtype.bits // 4)
    storage = Storage("s", len(data), lambda: memoryview(data))
    tensor = Tensor(name, dtype, shape, contiguous_strides(shape), storage)
    if not TensorStatistics().accepts(tensor):
        assert dtype.kind == "quantised"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ComplexHalf is experimental
        _assert_equal(_fed(values_of(tensor, "cpu")), _fed(values_of(tensor, torch.device("cpu"))))
