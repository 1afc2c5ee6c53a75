"""Tensors that a file holds twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modlint.analysis.repeated import RepeatedTensors
from modlint.checkpoint import Checkpoint
from modlint.engine.load import load
from modlint.engine.registry import load_registry
from modlint.numerics.tensor.repeated import repeated

READERS = load_registry().readers
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8)


def saved(tensors: dict[str, torch.Tensor], folder: Path) -> Checkpoint:
    save_file(tensors, folder / "model.safetensors")
    (checkpoint,) = load(folder / "model.safetensors", READERS)
    return checkpoint


def matrix(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 100).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40, 30), (30, 30), (8, 5, 3, 3)])
def test_copies_are_found(shape: tuple[int, ...], dtype: torch.dtype, tmp_path: Path) -> None:
    weight = matrix(*shape, dtype=dtype)
    tensors = {"a": weight, "b": weight.clone(), "c": matrix(7, 7)}
    found = list(repeated(saved(tensors, tmp_path).tensors.values()))
    assert [(copy.name, copy.of, copy.transposed) for copy in found] == [("b", "a", False)]
    assert found[0].nbytes == weight.nbytes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40, 30), (30, 30), (2000, 600)])
def test_transposed_copies_are_found(
    shape: tuple[int, int], dtype: torch.dtype, tmp_path: Path
) -> None:
    weight = matrix(*shape, dtype=dtype)
    found = list(
        repeated(saved({"a": weight, "b": weight.T.contiguous()}, tmp_path).tensors.values())
    )
    assert [(copy.name, copy.of, copy.transposed) for copy in found] == [("b", "a", True)]


def test_one_element_makes_no_copy(tmp_path: Path) -> None:
    weight = matrix(100, 100)
    other = weight.clone()
    other[99, 98] += 1
    tensors = {"a": weight, "b": other, "c": other.T.contiguous() + 1}
    assert list(repeated(saved(tensors, tmp_path).tensors.values())) == []


def test_tensors_of_one_value_and_vectors_are_no_copies(tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(9, 9), "b": torch.zeros(9, 9), "c": matrix(81), "d": matrix(81)}
    assert list(repeated(saved(tensors, tmp_path).tensors.values())) == []


def test_tensors_that_share_a_storage_are_no_copies(tmp_path: Path) -> None:
    weight = matrix(40, 30)
    torch.save({"a": weight, "b": weight}, tmp_path / "model.pt")
    (checkpoint,) = load(tmp_path / "model.pt", READERS)
    assert list(repeated(checkpoint.tensors.values())) == []


def test_small_tensors_are_left_out(tmp_path: Path) -> None:
    weight = matrix(40, 30)
    checkpoint = saved({"a": weight, "b": weight.clone()}, tmp_path)
    sizes = {least: len(RepeatedTensors(least).compute(checkpoint, None)) for least in (1, 1 << 16)}
    assert sizes == {1: 1, 1 << 16: 0}
