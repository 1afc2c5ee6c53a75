"""Quantiles of magnitudes against numpy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hand_built import as_numpy

from modlint.analysis.magnitudes import TensorMagnitudes
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.numerics.tensor import chunks
from modlint.numerics.tensor.magnitudes import MagnitudesSoFar
from modlint.results.magnitudes import Magnitudes

EXACT = ["bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"]


def measured(values: torch.Tensor) -> Magnitudes | None:
    """By numpy, as files are measured, and by torch, which must give the same."""
    found, on_torch = (_joined(array, values) for array in (as_numpy(values), values))
    assert on_torch == found
    return found


def _joined(array: object, values: torch.Tensor) -> Magnitudes | None:
    name = str(values.dtype).removeprefix("torch.")
    so_far = MagnitudesSoFar(name)
    for part in chunks.parts(array):
        later = MagnitudesSoFar(name)
        for chunk in part:
            later.add(chunk)
        so_far.join(later)
    return so_far.end()


@pytest.fixture(params=[chunks.CHUNK, 100], ids="chunk {}".format, autouse=True)
def _chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", request.param)
    monkeypatch.setattr(chunks, "DEVICE_CHUNK", request.param)
    monkeypatch.setattr(chunks, "CHUNKS_OF_A_PART", 3)


@pytest.mark.parametrize("dtype", ["float32", *EXACT])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 40.0])
@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.9995])
def test_quantiles(dtype: str, scale: float, zeros: float) -> None:
    random = np.random.default_rng(2)
    drawn = scale * random.standard_normal((30, 77)) * (random.random((30, 77)) >= zeros)
    values = torch.from_numpy(drawn).to(getattr(torch, dtype))
    wide = values.double().abs().numpy()
    finite = wide[np.isfinite(wide)]
    expected = np.quantile(finite, [0.5, 0.999], method="inverted_cdf")
    found = measured(values)
    assert found is not None
    assert found.elements == finite.size
    limit = 0 if dtype in EXACT else 0.004
    assert (found.p50, found.p999) == pytest.approx(tuple(expected), rel=limit, abs=0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_only_what_is_finite_counts(dtype: str) -> None:
    values = torch.tensor([math.nan, math.inf, -math.inf, 1.0, -2.0, 0.0], dtype=torch.float64)
    found = measured(values.to(getattr(torch, dtype)))
    assert found is not None
    assert (found.elements, found.p50, found.p999) == (3, *(pytest.approx(x, 4e-3) for x in (1, 2)))
    assert measured(torch.full((3,), math.nan).to(getattr(torch, dtype))) is None


def test_what_is_measured() -> None:
    def accepts(name: str) -> bool:
        storage = Storage("s", 0, lambda: memoryview(b""))
        return TensorMagnitudes().accepts(
            Tensor("t", DTYPES[name], (9,), contiguous_strides((9,)), storage)
        )

    assert all(map(accepts, ["float32", *EXACT]))
    assert not any(map(accepts, ["float64", "int8", "float4_e2m1fn", "complex64"]))
