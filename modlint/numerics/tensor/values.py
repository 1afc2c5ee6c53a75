"""From an inert tensor to an array: the one place where bytes become numbers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from modlint.checkpoint import Tensor
from modlint.dtypes import DTYPES, DType
from modlint.errors import Unavailable
from modlint.numerics.inputs import Array, Device
from modlint.numerics.tensor.arrays import COMPLEX32

if TYPE_CHECKING:
    import torch

MOST_AXES = 32
"""Of an array of numpy 1."""


def values_of(tensor: Tensor, device: Device) -> Array:
    """The tensor's elements in its shape and dtype; mapped, without a copy, on the CPU.

    The result must not be written to.

    Raises:
        Unavailable: the element type is none to compute with, or several share a byte.
        UnreadableError: the bytes cannot be read.
    """
    dtype, name = tensor.dtype, tensor.dtype.name
    if DTYPES.get(name) != dtype or not dtype.is_numeric:
        raise Unavailable(f"elements of type {name} are not examined")
    if len(tensor.shape) > MOST_AXES:
        raise Unavailable(f"tensors of more than {MOST_AXES} axes are not examined")
    if isinstance(device, str):
        return _on_numpy(tensor)
    return _on_torch(tensor, device)


def _on_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    dtype = _numpy_type(tensor.dtype)
    if not tensor.elements:
        return np.empty(_smallest(tensor.shape), dtype)
    strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
    return np.ndarray(tensor.shape, dtype, _bytes(tensor), strides=strides)


def _smallest(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an array without elements, whose other sizes may be anything."""
    return shape if max(shape) < 1 << 31 else tuple(0 for _ in shape)


def _on_torch(tensor: Tensor, device: torch.device) -> torch.Tensor:
    import torch

    dtype = getattr(torch, tensor.dtype.name)
    if not tensor.elements:
        return torch.empty(tensor.shape, dtype=dtype, device=device)
    with warnings.catch_warnings():
        # The mapping is read-only on purpose, of which torch warns.
        warnings.simplefilter("ignore", UserWarning)
        flat = torch.frombuffer(_bytes(tensor), dtype=dtype)
    return flat.as_strided(tensor.shape, tensor.strides).to(device)


def _numpy_type(dtype: DType) -> np.dtype[Any]:
    if dtype.name == "complex32":
        return COMPLEX32
    if dtype.name == "bfloat16" or dtype.name.startswith("float8"):
        import ml_dtypes

        known: np.dtype[Any] = np.dtype(getattr(ml_dtypes, dtype.name))
        return known
    return np.dtype(dtype.name)


def _bytes(tensor: Tensor) -> memoryview:
    """What the elements lie in, from the first to the last."""
    extent = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    size = tensor.dtype.bits // 8
    first = tensor.storage_offset * size
    data = tensor.storage.read()[first : first + extent * size]
    if len(data) < extent * size:
        raise Unavailable("its elements lie outside its storage")
    return data
