"""Codes that need a scale, told by the names that libraries give it."""

from __future__ import annotations

import pytest

from modlint.analysis.quantisation.find import find
from modlint.analysis.quantisation.settings import Settings
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES


def _tensors(dtype: str, *names: str) -> dict[str, Tensor]:
    storage = Storage("s", 0, lambda: memoryview(b""))
    shape = (4, 4)
    return {n: Tensor(n, DTYPES[dtype], shape, contiguous_strides(shape), storage) for n in names}


def _scale_of(weight: str, tensors: dict[str, Tensor]) -> str | None:
    for _, group in find(tensors, Settings(), {}):
        if group.parts["codes"].name == weight and "scale" in group.parts:
            return group.parts["scale"].name
    return None


@pytest.mark.parametrize(
    ("weight", "scale"),
    [
        ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight_scale"),
        ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight_scale_inv"),
        ("double_blocks.0.img_mlp.0.weight", "double_blocks.0.img_mlp.0.scale_weight"),
        ("experts.gate_up_proj", "experts.gate_up_proj_scale"),
        ("weight", "weight_scale"),
    ],
)
@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "int8"])
def test_codes(dtype: str, weight: str, scale: str) -> None:
    tensors = _tensors(dtype, weight, scale)
    assert _scale_of(weight, tensors) == scale


def test_bitsandbytes() -> None:
    tensors = _tensors("int8", "h.0.weight", "h.0.SCB")
    assert _scale_of("h.0.weight", tensors) == "h.0.SCB"
    tensors = _tensors("uint8", "h.0.weight", "h.0.weight.absmax")
    assert _scale_of("h.0.weight", tensors) == "h.0.weight.absmax"


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
    assert _scale_of("a.weight", tensors) is None
