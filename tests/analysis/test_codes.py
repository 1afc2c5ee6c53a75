"""Codes that need a scale, told by the names that libraries give it."""

from __future__ import annotations

import pytest

from modlint.analysis.codes import scale_of
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES


def _tensors(dtype: str, *names: str) -> dict[str, Tensor]:
    storage = Storage("s", 0, lambda: memoryview(b""))
    shape = (4, 4)
    return {n: Tensor(n, DTYPES[dtype], shape, contiguous_strides(shape), storage) for n in names}


@pytest.mark.parametrize(
    ("weight", "scale"),
    [
        ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight_scale"),
        ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight_scale_inv"),
        ("double_blocks.0.img_mlp.0.weight", "double_blocks.0.img_mlp.0.scale_weight"),
        ("h.0.weight", "h.0.SCB"),
        ("layers.0.weight", "layers.0.weight.absmax"),
        ("experts.gate_up_proj", "experts.gate_up_proj_scale"),
        ("weight", "weight_scale"),
    ],
)
@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "int8", "uint8"])
def test_codes(dtype: str, weight: str, scale: str) -> None:
    tensors = _tensors(dtype, weight, scale)
    assert scale_of(tensors[weight], tensors) == scale


@pytest.mark.parametrize(
    ("dtype", "other"),
    [
        ("bfloat16", "a.weight_scale"),  # LayerScale and the like
        ("int32", "a.weight_scale"),
        ("float8_e4m3fn", "a.input_scale"),  # of the activations
        ("float8_e4m3fn", "b.weight_scale"),
        ("float8_e4m3fn", "a.weight"),
        ("bool", "a.weight_scale"),
    ],
)
def test_values(dtype: str, other: str) -> None:
    tensors = _tensors(dtype, "a.weight", other)
    assert scale_of(tensors["a.weight"], tensors) is None
