"""From an inert tensor to a torch tensor: the one place where bytes become numbers."""

from __future__ import annotations

import warnings

import torch

from modlint.checkpoint import Tensor
from modlint.errors import Unavailable


def to_torch(tensor: Tensor, device: torch.device) -> torch.Tensor:
    """The tensor's elements in its shape and dtype; mapped, without a copy, on the CPU.

    The result must not be written to.

    Raises:
        Unavailable: torch has no such element type, or packs several elements in a byte.
        UnreadableError: the bytes cannot be read.
    """
    dtype = getattr(torch, tensor.dtype.name, None)
    if not isinstance(dtype, torch.dtype) or tensor.dtype.bits < 8:
        raise Unavailable(f"elements of type {tensor.dtype.name} are not examined")
    if tensor.dtype.kind in ("opaque", "quantised"):
        raise Unavailable(f"elements of type {tensor.dtype.name} are not examined")
    if not tensor.elements:
        return torch.empty(tensor.shape, dtype=dtype, device=device)
    return _view(tensor, dtype).to(device)


def _view(tensor: Tensor, dtype: torch.dtype) -> torch.Tensor:
    extent = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    size = tensor.dtype.bits // 8
    first = tensor.storage_offset * size
    data = tensor.storage.read()[first : first + extent * size]
    if len(data) < extent * size:
        raise Unavailable("its elements lie outside its storage")
    with warnings.catch_warnings():
        # The mapping is read-only on purpose, of which torch warns.
        warnings.simplefilter("ignore", UserWarning)
        flat = torch.frombuffer(data, dtype=dtype)
    return flat.as_strided(tensor.shape, tensor.strides)
