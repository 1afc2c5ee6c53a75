"""Which tensors hold the same elements: by type and size, then a sample, then all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import on_numpy
from modlint.results.copies import Copies, Copy

_SAMPLES = 64
_PIECE = 1 << 20
"""Elements that are compared at a time."""
_BITS = (8, 16, 32, 64)
"""Of an element that numpy has an unsigned integer for."""
_MOST_FIRSTS = 16
"""Tensors with the same sample that others are compared with."""


def copies_among(tensors: Sequence[Tensor], min_values: int, inputs: Inputs) -> Copies:
    """Find the copies, each once, of the first that holds the same elements.

    Args:
        tensors: what to compare; vectors, views that repeat elements, and elements that are no
            whole number of bytes are left out.
        min_values: tensors of fewer different values are no copies of each other.
        inputs: gives the elements.
    """
    tensors = [tensor for tensor in tensors if _is_comparable(tensor)]
    alike: dict[Any, list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        alike[tensor.dtype.name, tensor.elements].append(tensor)
    copies: list[Copy] = []
    unread: dict[str, str] = {}
    for group in alike.values():
        if len(group) > 1:
            copies += _within(group, min_values, inputs, unread)
    order = {tensor.name: place for place, tensor in enumerate(tensors)}
    copies.sort(key=lambda copy: order[copy.name])
    return Copies(len(tensors), tuple(copies), unread)


def _is_comparable(tensor: Tensor) -> bool:
    bits = tensor.dtype.bits in _BITS and tensor.dtype.kind != "opaque"
    return bits and len(tensor.shape) > 1 and 0 < tensor.nbytes <= tensor.storage.nbytes


def _within(
    group: Sequence[Tensor], min_values: int, inputs: Inputs, unread: dict[str, str]
) -> list[Copy]:
    """Copies among tensors of one type and size."""
    found: list[Copy] = []
    firsts: dict[bytes, list[Tensor]] = defaultdict(list)
    for tensor in group:
        try:
            values = _bits(inputs.stored(tensor.name))
            sample = _sample(values)
            if any(_same_bytes(tensor, first) for first in firsts[sample]):
                continue
            if len(set(sample)) > 1 or _is_telling(values, min_values):
                copy = _copy_of(tensor, values, sample, firsts, inputs)
                if copy is not None and _is_telling(values, min_values):
                    found.append(copy)
                if copy is None and len(firsts[sample]) < _MOST_FIRSTS:
                    firsts[sample].append(tensor)
        except Unavailable as unavailable:
            unread[tensor.name] = str(unavailable)
    return found


def _copy_of(
    tensor: Tensor,
    values: NDArray[Any],
    sample: bytes,
    firsts: Mapping[bytes, list[Tensor]],
    inputs: Inputs,
) -> Copy | None:
    """The copy that a tensor is of an earlier one, as it lies or transposed."""
    turned = values.T
    for mine, its_sample in ((values, sample), (turned, _sample(turned))):
        for first in firsts.get(its_sample, ()):
            other = _bits(inputs.stored(first.name))
            if mine is turned and (mine.ndim != 2 or mine.shape != other.shape):
                continue
            if _equal(mine, other):
                return Copy(tensor.name, first.name, mine is turned, tensor.nbytes)
    return None


def _same_bytes(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors view the same place: a tied weight that is stored once."""
    if one.storage_offset != other.storage_offset:
        return False
    if one.storage is other.storage:
        return True
    places = [(t.storage.member, t.storage.offset, t.storage.member_offset) for t in (one, other)]
    return places[0] == places[1] and any(place is not None for place in places[0][1:])


def _bits(values: Array) -> NDArray[Any]:
    """The elements as unsigned integers, on the CPU, without axes of size 1."""
    if not on_numpy(values):
        import torch

        kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
        values = values.view(kinds[values.element_size()]).cpu().numpy()
    array: NDArray[Any] = values.view(f"u{values.dtype.itemsize}")
    return array.squeeze()


def _sample(values: NDArray[Any]) -> bytes:
    """Elements at places spread over the whole, in row-major order."""
    places = np.linspace(0, values.size - 1, _SAMPLES, dtype=np.int64)
    return bytes(values[np.unravel_index(places, values.shape)].tobytes())


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether all elements agree in row-major order, compared a bounded piece at a time."""
    if one.shape != other.shape:
        return bool(
            all(
                np.array_equal(one.flat[k : k + _PIECE], other.flat[k : k + _PIECE])
                for k in range(0, one.size, _PIECE)
            )
        )
    rows = max(1, _PIECE // max(1, one.size // len(one)))
    return all(
        np.array_equal(one[k : k + rows], other[k : k + rows]) for k in range(0, len(one), rows)
    )


def _is_telling(values: NDArray[Any], min_values: int) -> bool:
    """Whether there are at least so many different values."""
    different: set[int] = set()
    rows = max(1, _PIECE // max(1, values.size // len(values)))
    for k in range(0, len(values), rows):
        different.update(np.unique(values[k : k + rows])[:min_values].tolist())
        if len(different) >= min_values:
            return True
    return False
