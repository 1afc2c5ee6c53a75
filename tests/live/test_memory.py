"""Tensors in memory are read where they lie, whatever their layout, type and device."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import nn

from modlint.checkpoint import Tensor
from modlint.errors import UnreadableError
from modlint.live import NAME, checkpoint_of


def read(tensor: Tensor) -> torch.Tensor:
    """The elements that a tensor's storage gives, without a copy."""
    dtype: torch.dtype = getattr(torch, tensor.dtype.name)
    data = tensor.storage.read()
    if not tensor.elements:
        return torch.empty(tensor.shape, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of memory that is read-only
        flat = torch.frombuffer(data[tensor.storage_offset * dtype.itemsize :], dtype=dtype)
    return flat.as_strided(tensor.shape, tensor.strides)


def tensor_of(value: Any) -> Tensor:
    (tensor,) = checkpoint_of({"w": value}).tensors.values()
    return tensor


TORCH = {
    "float32": torch.arange(12.0).reshape(3, 4),
    "bfloat16": torch.arange(12.0).reshape(3, 4).bfloat16(),
    "fp8": torch.arange(8.0).to(torch.float8_e4m3fn),
    "transposed": torch.arange(12.0).reshape(3, 4).T,
    "strided": torch.arange(24.0).reshape(4, 6)[1::2, 1::3],
    "channels-last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "expanded": torch.ones(1, 3).expand(4, 3),
    "scalar": torch.tensor(7),
    "empty": torch.zeros(0, 3),
    "bool": torch.tensor([True, False]),
    "parameter": nn.Parameter(torch.arange(3.0)),
}


@pytest.mark.parametrize("name", TORCH)
def test_a_torch_tensor_is_read_without_a_copy(name: str) -> None:
    value = TORCH[name]
    tensor = tensor_of(value)
    found = read(tensor)
    assert tensor.shape == tuple(value.shape)
    assert found.dtype == value.dtype
    assert torch.equal(found.double(), value.detach().double())
    if value.numel():
        assert found.data_ptr() == value.data_ptr()


def test_what_changes_in_memory_changes_what_is_read() -> None:
    value = torch.zeros(3)
    tensor = tensor_of(value)
    value[1] = 5
    assert read(tensor).tolist() == [0, 5, 0]


def test_memory_outlives_the_object_that_held_it() -> None:
    tensor = tensor_of(torch.full((1000,), 3.0))
    gc.collect()
    assert read(tensor).eq(3).all()


@pytest.mark.parametrize("value", [torch.randn(3, dtype=torch.cfloat).conj(), 1j * torch.ones(2)])
def test_lazy_conjugation_is_resolved(value: torch.Tensor) -> None:
    assert torch.equal(read(tensor_of(value)), value.resolve_conj())
    assert torch.equal(read(tensor_of(value.imag)), value.imag.resolve_neg())


GRID = np.arange(12.0).reshape(3, 4)
NUMPY = {
    "plain": GRID,
    "transposed": GRID.T,
    "columns": GRID[:, 1::2],
    "fortran": np.asfortranarray(GRID),
    "scalar": np.float32(3),
    "half": np.arange(4, dtype=np.float16),
    "read-only": np.broadcast_to(np.arange(3.0), (3,)),
    "field": np.zeros(3, dtype=[("a", "<f4"), ("b", "<f4")])["b"],
}
COPIED = {
    "reversed": GRID[::-1, ::-1],
    "big-endian": np.arange(4, dtype=">f4"),
    "between elements": np.frombuffer(bytes(range(1, 10)), np.uint8)[1:9].view("<u2"),
}


@pytest.mark.parametrize("name", [*NUMPY, *COPIED])
def test_a_numpy_array_is_read(name: str) -> None:
    value = (NUMPY | COPIED)[name]
    tensor = tensor_of(value)
    found = read(tensor).numpy()
    assert tensor.shape == value.shape
    assert np.array_equal(found, value)
    if name in ("plain", "transposed", "columns", "fortran", "half"):
        assert np.shares_memory(found, value)


def test_numpy_bfloat16_has_torchs_name() -> None:
    tensor = tensor_of(np.arange(4).astype(ml_dtypes.bfloat16))
    assert tensor.dtype.name == "bfloat16"
    assert read(tensor).tolist() == [0, 1, 2, 3]


def test_a_type_that_only_shares_a_name_is_not_taken_for_torchs() -> None:
    unpacked = tensor_of(np.arange(4).astype(ml_dtypes.int4))  # a byte for each element
    assert (unpacked.dtype.kind, unpacked.dtype.bits) == ("opaque", 8)


def test_an_array_that_another_library_offers_is_read() -> None:
    class Foreign:
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
            return np.arange(3.0)

    assert read(tensor_of(Foreign())).tolist() == [0, 1, 2]


def test_tied_weights_and_views_are_one_storage() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(50, 8), nn.Linear(8, 50, bias=False)
            self.head.weight = self.embed.weight

    for module in (Tied(), Tied().to("meta")):
        module.head.weight = module.embed.weight
        checkpoint = checkpoint_of(module)
        first, second = checkpoint.tensors.values()
        assert first.storage is second.storage
        assert checkpoint.nbytes == 50 * 8 * 4
    base = np.arange(12.0)
    views = checkpoint_of({"a": base[:6], "b": base[6:].reshape(2, 3)}).tensors
    assert views["a"].storage is views["b"].storage
    assert views["b"].storage_offset == 6


def test_no_values_is_said_why() -> None:
    for value, reason in (
        (torch.empty(3, 3, device="meta"), "on the device meta: it has no values"),
        (nn.LazyLinear(3).weight, "is not initialised: run the module once"),
    ):
        with pytest.raises(UnreadableError, match=reason):
            read(tensor_of(value))


@pytest.mark.filterwarnings("ignore")
def test_sparse_tensors_are_read_by_their_parts() -> None:
    checkpoint = checkpoint_of({"a": torch.eye(3).to_sparse(), "b": torch.eye(3).to_sparse_csr()})
    assert {s.name: s.layout for s in checkpoint.sparse} == {"a": "sparse_coo", "b": "sparse_csr"}
    assert set(checkpoint.tensors) == {
        *("a.indices", "a.values"),
        *("b.crow_indices", "b.col_indices", "b.values"),
    }
    assert read(checkpoint.tensors["a.values"]).tolist() == [1, 1, 1]


@pytest.mark.filterwarnings("ignore")
def test_quantised_and_nested_tensors_are_named_for_what_they_are() -> None:
    quantised = torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8)
    assert tensor_of(quantised).dtype.kind == "quantised"
    parts = [torch.ones(2), torch.ones(3)]
    jagged = checkpoint_of({"w": torch.nested.nested_tensor(parts, layout=torch.jagged)})
    assert read(jagged.tensors["w._values"]).tolist() == [1] * 5
    with pytest.raises(UnreadableError, match="cannot be read"):
        read(tensor_of(torch.nested.nested_tensor(parts)))


def test_a_module_gives_its_state_dict() -> None:
    module = nn.Sequential(nn.LSTM(4, 3), nn.BatchNorm1d(3))
    checkpoint = checkpoint_of(module)
    assert list(checkpoint.tensors) == list(module.state_dict())
    assert str(checkpoint.path) == NAME


def test_state_that_is_no_tensor_is_remarked_on() -> None:
    class Stateful(nn.Linear):
        def get_extra_state(self) -> object:
            return {"scale": 1}

        def set_extra_state(self, state: object) -> None: ...

    checkpoint = checkpoint_of(Stateful(2, 2))
    assert set(checkpoint.tensors) == {"weight", "bias"}
    assert "_extra_state" in checkpoint.remarks[0].message


def test_mappings_in_mappings_are_named_as_in_a_file() -> None:
    state = {"epoch": 3, "model": {"fc.weight": torch.ones(2, 2), "inner": {"b": np.ones(2)}}}
    checkpoint = checkpoint_of(state)
    assert {t.name: t.section for t in checkpoint.tensors.values()} == {
        "model.fc.weight": "model",
        "model.inner.b": "model",
    }
    assert checkpoint.metadata == {"epoch": 3}
    with pytest.raises(ValueError, match=r"two tensors are called 'a\.b'"):
        checkpoint_of({"a.b": np.ones(1), "a": {"b": np.ones(1)}})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_on_a_gpu_is_copied_when_it_is_read() -> None:
    value = torch.randn(5, 7, device="cuda").bfloat16().T
    tensor = tensor_of(value)
    assert tensor.storage.location == "cuda:0"
    assert torch.equal(read(tensor), value.cpu())
