"""Tensors that a file holds twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support import no_progress

from modlint.analysis.copies import StoredCopies
from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.engine.examine import FileExamination
from modlint.engine.load import load
from modlint.engine.registry import load_registry
from modlint.results.copies import Copies, Copy

READERS = load_registry().readers
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8)


def copies(checkpoint: Checkpoint, analysis: StoredCopies = StoredCopies()) -> tuple[Copy, ...]:  # noqa: B008  # a frozen struct
    found: Copies = FileExamination(checkpoint, Built(()), "cpu", no_progress, []).result(
        analysis, checkpoint
    )
    assert not found.unread
    return found.copies


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
    found = copies(saved(tensors, tmp_path))
    assert [(copy.name, copy.of, copy.transposed) for copy in found] == [("b", "a", False)]
    assert found[0].nbytes == weight.nbytes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40, 30), (30, 30), (2000, 600)])
def test_transposed_copies_are_found(
    shape: tuple[int, int], dtype: torch.dtype, tmp_path: Path
) -> None:
    weight = matrix(*shape, dtype=dtype)
    found = copies(saved({"a": weight, "b": weight.T.contiguous()}, tmp_path))
    assert [(copy.name, copy.of, copy.transposed) for copy in found] == [("b", "a", True)]


def test_one_element_makes_no_copy(tmp_path: Path) -> None:
    weight = matrix(100, 100)
    other = weight.clone()
    other[99, 98] += 1
    tensors = {"a": weight, "b": other, "c": other.T.contiguous() + 1}
    assert copies(saved(tensors, tmp_path)) == ()


def test_tensors_of_one_value_and_vectors_are_no_copies(tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(9, 9), "b": torch.zeros(9, 9), "c": matrix(81), "d": matrix(81)}
    assert copies(saved(tensors, tmp_path)) == ()


def test_tensors_that_share_a_storage_are_no_copies(tmp_path: Path) -> None:
    weight = matrix(40, 30)
    torch.save({"a": weight, "b": weight}, tmp_path / "model.pt")
    (checkpoint,) = load(tmp_path / "model.pt", READERS)
    assert copies(checkpoint) == ()


def test_small_tensors_are_left_out(tmp_path: Path) -> None:
    weight = matrix(40, 30)
    checkpoint = saved({"a": weight, "b": weight.clone()}, tmp_path)
    sizes = {n: len(copies(checkpoint, StoredCopies(min_bytes=n))) for n in (1, 1 << 16)}
    assert sizes == {1: 1, 1 << 16: 0}


def test_tensors_of_few_values_are_left_out(tmp_path: Path) -> None:
    codes = matrix(40, 30, dtype=torch.int8) % 5
    checkpoint = saved({"a": codes, "b": codes.clone()}, tmp_path)
    sizes = {n: len(copies(checkpoint, StoredCopies(min_values=n))) for n in (2, 5, 6)}
    assert sizes == {2: 1, 5: 1, 6: 0}


def test_of_layers_alone_others_are_not_compared(tmp_path: Path) -> None:
    weight, mask = matrix(40, 30), matrix(50, 30)
    tensors = {
        "a.weight": weight,
        "b.weight": weight.clone(),
        "x.mask": mask,
        "y.mask": mask.clone(),
    }
    checkpoint = saved(tensors, tmp_path)
    assert [copy.name for copy in copies(checkpoint, StoredCopies(layers=True))] == ["b.weight"]


def test_external_data_at_one_place_is_stored_once(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    def held(name: str, offset: int) -> onnx.TensorProto:
        tensor = onnx.TensorProto(
            name=name, data_type=onnx.TensorProto.FLOAT, dims=[30, 30], data_location="EXTERNAL"
        )
        entries = {"location": "w.bin", "offset": str(offset), "length": "3600"}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        return tensor

    (tmp_path / "w.bin").write_bytes(2 * matrix(30, 30).numpy().tobytes())
    graph = helper.make_graph([], "g", [], [], [held("a", 0), held("b", 0), held("c", 3600)])
    onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
    (checkpoint,) = load(tmp_path / "model.onnx", READERS)
    assert [copy.name for copy in copies(checkpoint)] == ["c"]
