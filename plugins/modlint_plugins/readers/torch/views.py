"""From an inert tensor record to a `Tensor`: types, sizes and bounds are checked here."""

from __future__ import annotations

import math
from typing import NamedTuple

from modlint.checkpoint import Role, Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES, DType
from modlint.errors import UnreadableError
from modlint_plugins.pickling.values import (
    Array,
    Blob,
    Nested,
    NumpyDType,
    PersistentId,
    TensorRecord,
    Value,
)
from modlint_plugins.readers.torch.storages import Reference, element_type, is_count, swapped

_MAX_RANK = 64
_MAX_EXPANDED = 1 << 30
"""Bytes that a view may occupy beyond those of its storage, when made contiguous."""

NUMPY_TYPES = {
    "b1": "bool", "c16": "complex128", "c8": "complex64", "f2": "float16", "f4": "float32",
    "f8": "float64", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8",
    "u2": "uint16", "u4": "uint32", "u8": "uint64",
}  # fmt: skip


class ElsewhereError(UnreadableError):
    """A tensor's storage is not in the file."""


class OutsideError(UnreadableError):
    """A tensor reaches outside of its storage."""


class Label(NamedTuple):
    """How a tensor is called, and what for it is."""

    name: str
    section: str
    role: Role


class View(NamedTuple):
    """The elements that a tensor takes of a storage."""

    storage: Storage
    dtype: DType
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def tensor_of(record: TensorRecord, label: Label) -> Tensor:
    """The tensor that a record describes.

    Raises:
        UnreadableError: its storage cannot be read, or it does not lie within it.
    """
    reference = _reference(record.storage, label.name)
    dtype = reference.dtype if record.dtype is None else element_type(record.dtype)
    shape, strides, offset = _sizes(record.size), _sizes(record.stride), record.offset
    if dtype is None:
        raise UnreadableError(f"tensor {label.name!r} has an unknown element type")
    if shape is None or strides is None or len(shape) != len(strides) or not is_count(offset):
        raise UnreadableError(f"tensor {label.name!r} has sizes or strides that make no sense")
    storage = reference.table.storage(reference)
    if reference.view is not None:
        if sum(reference.view) > reference.elements:
            raise OutsideError(f"tensor {label.name!r} views a part outside of its storage")
        offset += reference.view[0]
    view = View(storage, dtype, offset, shape, strides)
    _check_bounds(view, label.name)
    return _tensor(view, label)


def tensor_of_array(array: Array, label: Label) -> Tensor | None:
    """The tensor that a NumPy array describes; None where its elements are no numbers.

    Raises:
        UnreadableError: its size is not that of its bytes.
    """
    dtype = _array_type(array.dtype)
    if dtype is None or array.data is None:
        return None
    data = (
        Blob(memoryview(array.data.encode()), None) if isinstance(array.data, str) else array.data
    )
    shape = _sizes(array.shape)
    if shape is None or not isinstance(data, Blob):
        raise UnreadableError(f"array {label.name!r} has a shape or bytes that make no sense")
    if dtype.nbytes(math.prod(shape)) != len(data.view):
        raise UnreadableError(
            f"array {label.name!r} of shape {list(shape)} holds {len(data.view):,} bytes"
        )
    storage = Storage(label.name, len(data.view), lambda: data.view, offset=data.offset)
    if array.dtype.order == ">" and dtype.bits > 8:
        storage = Storage(label.name, len(data.view), lambda: swapped(data.view, dtype))
    strides = contiguous_strides(shape)
    if array.fortran:
        strides = contiguous_strides(shape[::-1])[::-1]
    return _tensor(View(storage, dtype, 0, shape, strides), label)


def _tensor(view: View, label: Label) -> Tensor:
    return Tensor(
        label.name,
        view.dtype,
        view.shape,
        view.strides,
        view.storage,
        view.offset,
        label.section,
        label.role,
    )


def _reference(storage: Value, name: str) -> Reference:
    if isinstance(storage, Nested):
        storage = storage.content
    if isinstance(storage, Reference):
        return storage
    if isinstance(storage, PersistentId):
        raise ElsewhereError(f"tensor {name!r} refers to a storage outside of the file")
    raise UnreadableError(f"tensor {name!r} refers to no storage that PyTorch writes")


def _array_type(dtype: Value) -> DType | None:
    if not isinstance(dtype, NumpyDType) or dtype.structured:
        return None
    name = NUMPY_TYPES.get(dtype.code.lstrip("<>|="))
    return DTYPES[name] if name is not None else None


def _sizes(value: Value) -> tuple[int, ...] | None:
    if not isinstance(value, (tuple, list)) or len(value) > _MAX_RANK:
        return None
    return tuple(value) if all(map(is_count, value)) else None


def _check_bounds(view: View, name: str) -> None:
    elements = math.prod(view.shape)
    if not elements:
        return
    steps = zip(view.shape, view.strides, strict=True)
    last = view.offset + sum((size - 1) * step for size, step in steps)
    if view.dtype.nbytes(last + 1) > view.storage.nbytes:
        raise OutsideError(
            f"tensor {name!r} reaches to element {last:,}, outside of its storage"
            f" of {view.storage.nbytes:,} bytes",
            member=view.storage.member,
        )
    if view.dtype.nbytes(elements) > view.storage.nbytes + _MAX_EXPANDED:
        raise UnreadableError(
            f"tensor {name!r} repeats its storage of {view.storage.nbytes:,} bytes"
            f" to {view.dtype.nbytes(elements):,} bytes",
            member=view.storage.member,
        )
