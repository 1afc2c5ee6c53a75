"""Tensors whose type, shape and strides a document states, JSON or another."""

from __future__ import annotations

import math

from msgspec import Struct

from modlint.checkpoint import Storage, Tensor
from modlint.dtypes import DType
from modlint.errors import UnreadableError

_MAX_RANK = 64


class Stated(Struct, frozen=True):
    """What is stated of a tensor; offset and strides in elements."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


def stated_tensor(stated: Stated, storage: Storage) -> Tensor:
    """The tensor in its storage.

    Raises:
        UnreadableError: what is stated makes no sense, or the tensor leaves its storage.
    """
    shape, strides = stated.shape, stated.strides
    sane = len(shape) == len(strides) <= _MAX_RANK and min((*shape, *strides, stated.offset)) >= 0
    if not sane:
        raise UnreadableError(f"tensor {stated.name!r} has sizes or strides that make no sense")
    if math.prod(shape):
        steps = zip(shape, strides, strict=True)
        last = stated.offset + sum((size - 1) * step for size, step in steps)
        if stated.dtype.nbytes(last + 1) > storage.nbytes:
            raise UnreadableError(
                f"tensor {stated.name!r} reaches to element {last:,}, outside of its storage"
                f" of {storage.nbytes:,} bytes",
                member=storage.member,
            )
    return Tensor(stated.name, stated.dtype, shape, strides, storage, stated.offset)
