"""NumPy's arrays, and those of libraries that offer theirs as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.errors import UnreadableError
from modlint.live.memory import element_type, shared

Array = NDArray[Any]


def read(name: str, value: Any, storages: dict[object, Storage]) -> Tensor:
    """An array over the memory that it views.

    What is not in the machine's byte order, or runs backwards, is copied when it is read.

    Args:
        name: its name.
        value: an array, a scalar of NumPy's, or what converts itself to an array.
        storages: those of the arrays before it, by their place in memory.

    Raises:
        TypeError: it cannot be converted.
    """
    array = _array(name, value)
    dtype = element_type(array.dtype.name, max(array.dtype.itemsize, 1))
    owner = _owner(array)
    place = _offset(array, owner)
    if place is None:
        storage = Storage(name, array.nbytes, lambda: _bytes(_native(array)))
        return Tensor(name, dtype, array.shape, contiguous_strides(array.shape), storage)
    key = (owner.__array_interface__["data"][0], owner.nbytes)
    storage = shared(storages, key, Storage(name, owner.nbytes, lambda: _bytes(owner)))
    strides = tuple(step // array.itemsize for step in array.strides)
    return Tensor(name, dtype, array.shape, strides, storage, place)


def _array(name: str, value: Any) -> Array:
    try:
        return np.asarray(value)
    except Exception as error:  # libraries raise what they like
        kind = type(value).__name__
        raise TypeError(
            f"{name!r} is a {kind}, which cannot be read as an array: {error}"
        ) from None


def _owner(array: Array) -> Array:
    """The outermost array whose memory it views."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner


def _offset(array: Array, owner: Array) -> int | None:
    """Index of its first element in its owner's memory; None where its strides cannot be kept."""
    size = array.itemsize
    whole = size > 0 and all(step >= 0 and step % size == 0 for step in array.strides)
    flat = owner.flags.c_contiguous or owner.flags.f_contiguous
    if not (whole and flat and array.dtype.isnative and not array.dtype.hasobject):
        return None
    first, start = (a.__array_interface__["data"][0] for a in (array, owner))
    skipped, rest = divmod(first - start, size)
    return None if rest or not array.size else skipped


def _native(array: Array) -> Array:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def _bytes(array: Array) -> memoryview:
    if array.dtype.hasobject:
        raise UnreadableError("holds Python objects: it is not examined")
    return array.ravel(order="K").view(np.uint8).data
