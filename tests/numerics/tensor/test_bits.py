"""Counts by bits against numpy's, over all elements at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hand_built import as_numpy

from modlint.analysis.bits import TensorBits
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.numerics.tensor import chunks
from modlint.numerics.tensor.bits import BitsSoFar
from modlint.results.bits import MOST_VALUES, Bits

NORMAL = {"float64": 2.0**-1022, "float32": 2.0**-126, "bfloat16": 2.0**-126, "float16": 2.0**-14}
FLOATS = [*NORMAL, "float8_e4m3fn", "float8_e5m2"]


@pytest.fixture(params=[chunks.CHUNK, 131], ids="chunk {}".format, autouse=True)
def _chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", request.param)
    monkeypatch.setattr(chunks, "DEVICE_CHUNK", request.param)
    monkeypatch.setattr(chunks, "CHUNKS_OF_A_PART", 3)


def counted(values: torch.Tensor) -> Bits:
    """By numpy, as files are measured, and by torch, which must count alike."""
    found, on_torch = (_joined(array, values) for array in (as_numpy(values), values))
    assert on_torch == found
    return found


def _joined(array: object, values: torch.Tensor) -> Bits:
    name = str(values.dtype).removeprefix("torch.")
    so_far = BitsSoFar(name)
    for part in chunks.parts(array):
        later = BitsSoFar(name)
        for chunk in part:
            later.add(chunk)
        so_far.join(later)
    return so_far.end()


def _expected(values: torch.Tensor) -> Bits:
    wide = values.double().numpy().ravel()
    sizes = np.abs(wide[wide != 0])
    name = str(values.dtype).removeprefix("torch.")
    codes = values.contiguous().view(torch.int32).numpy() if name == "float32" else None
    return Bits(
        elements=wide.size,
        tiny=int((sizes < 2.0**-24).sum()),
        subnormal=int((sizes < NORMAL.get(name, 0)).sum()),
        low_16=0 if codes is None else int((codes & 0xFFFF == 0).sum()),
        low_13=0 if codes is None else int((codes & 0x1FFF == 0).sum()),
        at_most=int((wide == wide.max()).sum()),
        at_least=int((wide == wide.min()).sum()),
        values=min(len(np.unique(wide)), MOST_VALUES),
    )


def _drawn(kind: str) -> torch.Tensor:
    random = np.random.default_rng(5)
    shape = (30, 70)
    if kind == "normal":
        values = random.standard_normal(shape)
    elif kind == "clipped":
        values = random.standard_normal(shape).clip(-0.5, 1)
    elif kind == "small":
        values = random.standard_normal(shape) * 10.0 ** random.integers(-45, 0, shape)
    elif kind == "sparse":
        values = random.standard_normal(shape) * (random.random(shape) < 0.05)
        values[values == 0] *= random.choice([-1, 1])
    else:
        values = random.choice(np.linspace(-1, 1, int(kind)), shape)
    return torch.from_numpy(values)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "kind", ["normal", "clipped", "small", "sparse", "1", "2", "3", "16", "17"]
)
def test_counts(dtype: str, kind: str) -> None:
    values = _drawn(kind).to(getattr(torch, dtype))
    assert counted(values) == _expected(values)
    assert counted(values.T) == _expected(values.T)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_float32_that_holds_less(dtype: str) -> None:
    values = _drawn("normal").to(getattr(torch, dtype)).float()
    found = counted(values)
    assert found == _expected(values)
    assert {"bfloat16": found.low_16, "float16": found.low_13}[dtype] == values.numel()


def test_a_value_that_comes_late_is_counted() -> None:
    values = torch.zeros(40, 70)
    values[-1, -1] = 1
    assert counted(values).values == 2


def test_both_zeros_are_one_value() -> None:
    assert counted(torch.tensor([[0.0, -0.0] * 300])).values == 1


def test_nan_is_no_end_and_no_value() -> None:
    values = torch.tensor([[1.0, math.nan, 2.0, math.inf], [math.nan] * 4])
    found = counted(values)
    assert (found.at_least, found.at_most, found.values) == (1, 1, 3)


def test_only_what_may_be_a_layer_weight_is_counted() -> None:
    def accepts(name: str, *shape: int) -> bool:
        storage = Storage("s", 0, lambda: memoryview(b""))
        tensor = Tensor("t", DTYPES[name], shape, contiguous_strides(shape), storage)
        return TensorBits().accepts(tensor)

    assert accepts("float32", 16, 16)
    assert accepts("float8_e5m2", 4, 8, 3, 3)
    assert not accepts("float32", 300)
    assert not accepts("float32", 15, 17)
    assert not accepts("int32", 16, 16)
    assert not accepts("float4_e2m1fn", 16, 16)
