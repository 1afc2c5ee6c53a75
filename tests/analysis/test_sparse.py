"""Indices of sparse tensors: modlint refuses what PyTorch's own check of invariants refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from support import file_result

from modlint.analysis.sparse import SparseIndices
from modlint.engine.load import load
from modlint.engine.registry import Registry, load_registry

LAYOUTS = {
    "coo": lambda dense: dense.to_sparse(),
    "hybrid": lambda dense: dense.to_sparse(1),
    "csr": lambda dense: dense.to_sparse_csr(),
    "csc": lambda dense: dense.to_sparse_csc(),
    "bsr": lambda dense: dense.to_sparse_bsr((2, 2)),
    "bsc": lambda dense: dense.to_sparse_bsc((2, 2)),
    "batched csr": lambda dense: torch.stack([dense, dense]).to_sparse_csr(),
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def problems(value: Any, folder: Path, registry: Registry) -> list[str]:
    torch.save({"w": value}, folder / "model.pt")
    (checkpoint,) = load(folder / "model.pt", registry.readers)
    assert len(checkpoint.sparse) == 1
    return [problem.message for problem in file_result(SparseIndices(), checkpoint)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_healthy_tensors_of_every_layout_are_sound(
    layout: str, tmp_path: Path, registry: Registry
) -> None:
    dense = torch.randn(4, 6).relu()
    assert problems(LAYOUTS[layout](dense), tmp_path, registry) == []
    assert problems(LAYOUTS[layout](torch.zeros(4, 6)), tmp_path, registry) == []


def valid(make: Any) -> bool:
    try:
        make(True)
    except RuntimeError:
        return False
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(60))
def test_what_pytorch_would_refuse_is_refused(
    seed: int, tmp_path: Path, registry: Registry
) -> None:
    """Random indices, most of them wrong, in the layouts that PyTorch checks."""
    generator = torch.Generator().manual_seed(seed)

    def numbers(count: int, low: int, high: int) -> torch.Tensor:
        return torch.randint(low, high, (count,), generator=generator)

    low = -1 if seed % 5 == 0 else 0
    columns, rows = numbers(3, low, 4 + seed % 2), numbers(3, 0, 3 + seed % 3)
    pointers = torch.cat([torch.tensor([0]), numbers(2, 0, 4).sort().values, torch.tensor([3])])

    def coo(check: bool) -> torch.Tensor:
        indices = torch.stack([rows, columns])
        return torch.sparse_coo_tensor(indices, torch.ones(3), (3, 4), check_invariants=check)

    def csr(check: bool) -> torch.Tensor:
        parts = pointers, columns, torch.ones(3)
        return torch.sparse_csr_tensor(*parts, size=(3, 4), check_invariants=check)

    for make in (coo, csr):
        found = problems(make(False), tmp_path, registry)
        if make is coo:
            assert bool(found) is not valid(make), found
        else:  # PyTorch also asks for columns that rise within a row, which harms no memory
            outside = bool(((columns < 0) | (columns > 3)).any())
            assert bool(found) is outside, found
            assert valid(make) is False or not found


def test_nested_tensors_must_stay_within_their_buffer(tmp_path: Path, registry: Registry) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nested = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)])
        assert problems(nested, tmp_path, registry) == []
        buffer = torch.ones(4)
        sizes, strides = nested._nested_tensor_size(), nested._nested_tensor_strides()
        offsets = nested._nested_tensor_storage_offsets()

        class Short:
            def __reduce__(self) -> Any:
                return torch._utils._rebuild_nested_tensor, (buffer, sizes, strides, offsets)

        found = problems(Short(), tmp_path, registry)
    assert found == ["reaches past the 4 elements of its buffer"]
