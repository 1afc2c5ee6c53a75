"""PyTorch's tensors, in whatever memory they lie."""

from __future__ import annotations

import torch
from torch.nn.parameter import is_lazy

from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.errors import UnreadableError
from modlint.live.memory import Composite, element_type, first_line, shared

_SPARSE = {
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}
"""By layout, the methods that give the parts."""


def read(name: str, tensor: torch.Tensor, storages: dict[object, Storage]) -> Tensor | Composite:
    """A tensor over the memory that it views, or the parts that it is made of.

    Args:
        name: its name.
        tensor: any; it is not written to.
        storages: those of the tensors before it, by their place in memory.
    """
    if is_lazy(tensor):
        return _without_values(name, tensor, "is not initialised: run the module once")
    plain = tensor.detach()
    try:
        return _composite(plain) or _strided(name, plain, storages)
    except (RuntimeError, NotImplementedError) as error:
        return _without_values(name, plain, f"cannot be read: {first_line(error)}")


def _composite(tensor: torch.Tensor) -> Composite | None:
    """The parts of a sparse tensor, or of one of a class that wraps others; None for others."""
    if tensor.layout in _SPARSE:
        methods = _SPARSE[tensor.layout]
        parts = {method.lstrip("_"): getattr(tensor, method)() for method in methods}
        return Composite(str(tensor.layout).removeprefix("torch."), tuple(tensor.shape), parts)
    if hasattr(tensor, "__tensor_flatten__"):
        attributes, _ = tensor.__tensor_flatten__()
        parts = {attribute: getattr(tensor, attribute) for attribute in attributes}
        return Composite(type(tensor).__name__, (), parts)
    return None


def _strided(name: str, tensor: torch.Tensor, storages: dict[object, Storage]) -> Tensor:
    dtype = element_type(_name(tensor.dtype), tensor.element_size())
    shape, strides = tuple(tensor.shape), tensor.stride()
    if tensor.is_conj() or tensor.is_neg():  # the memory holds other values than the tensor has
        storage = _copied(name, tensor)
        return Tensor(name, dtype, shape, contiguous_strides(shape), storage)
    memory = tensor.untyped_storage()
    location = str(tensor.device)
    storage = Storage(name, memory.nbytes(), lambda: _bytes(memory), location=location)
    storage = shared(storages, memory._cdata, storage)
    return Tensor(name, dtype, shape, strides, storage, int(tensor.storage_offset()))


def _bytes(memory: torch.UntypedStorage) -> memoryview:
    """The memory itself on the CPU, else a copy of it."""
    if memory.device.type == "meta":
        raise UnreadableError("is on the device meta: it has no values")
    try:
        there = memory if memory.device.type == "cpu" else memory.cpu()  # type: ignore[no-untyped-call]
        empty = torch.empty(0, dtype=torch.uint8, device="cpu")
        whole = empty.set_(there, 0, (there.nbytes(),), (1,))
        return whole.numpy().data
    except (RuntimeError, NotImplementedError) as error:
        raise UnreadableError(f"its memory cannot be read: {first_line(error)}") from error


def _copied(name: str, tensor: torch.Tensor) -> Storage:
    def read() -> memoryview:
        return _bytes(tensor.resolve_conj().resolve_neg().contiguous().clone().untyped_storage())

    nbytes = tensor.numel() * tensor.element_size()
    return Storage(name, nbytes, read, location=str(tensor.device))


def _without_values(name: str, tensor: torch.Tensor, reason: str) -> Tensor:
    """A tensor of which no value can be read; whoever asks is told why."""

    def read() -> memoryview:
        raise UnreadableError(reason)

    dtype = element_type(_name(tensor.dtype), tensor.dtype.itemsize)
    return Tensor(name, dtype, (), (), Storage(name, 0, read))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
