"""Finding tensors of equal bytes among many: a few elements first, all where these agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from modlint.checkpoint import Tensor
from modlint.results.repeated import Repeated

_SAMPLES = 24
_PIECE = 1 << 20
_TYPES = {bits: np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)}


def repeated(tensors: Iterable[Tensor]) -> Iterator[Repeated]:
    """Each tensor that has the elements of one before it, in a storage of its own.

    Raises:
        UnreadableError: a tensor's bytes are damaged.
    """
    alike: dict[tuple[Any, ...], list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        if len(tensor.shape) > 1 and tensor.dtype.bits in _TYPES and tensor.contiguous:
            alike[tensor.dtype.name, tuple(sorted(tensor.shape))].append(tensor)
    for group in alike.values():
        if len(group) > 1:
            yield from _within(group)


def _within(group: list[Tensor]) -> Iterator[Repeated]:
    """Copies among tensors of one type and one set of sizes."""
    known: dict[tuple[tuple[int, ...], bytes], Tensor] = {}
    for tensor in group:
        values = _matrix(tensor)
        mark = _mark(values)
        if len(set(mark)) == 1:
            continue
        turned = (tensor.shape[::-1], _mark(values.T).tobytes())
        for key, transposed in (((tensor.shape, mark.tobytes()), False), (turned, True)):
            first = known.get(key)
            if first is not None and (not transposed or len(tensor.shape) == 2):
                other = _matrix(first)
                if _same_place(first, tensor) or _equal(other, values.T if transposed else values):
                    if not _same_place(first, tensor):
                        yield Repeated(tensor.name, first.name, tensor.nbytes, transposed)
                    break
        else:
            known.setdefault((tensor.shape, mark.tobytes()), tensor)


def _matrix(tensor: Tensor) -> Any:
    """The bits of the elements, all axes but the first as one."""
    dtype = _TYPES[tensor.dtype.bits]
    start = tensor.storage_offset * dtype.itemsize
    values = np.frombuffer(tensor.storage.read(), dtype, tensor.elements, start)
    return values.reshape(tensor.shape[0], -1)


def _mark(values: Any) -> Any:
    """A few elements, spread over rows and columns."""
    steps = np.arange(_SAMPLES)
    rows = steps * values.shape[0] // _SAMPLES
    columns = (steps * 7 % _SAMPLES) * values.shape[1] // _SAMPLES
    return values[rows, columns]


def _equal(one: Any, other: Any) -> bool:
    step = max(1, _PIECE // max(1, one.shape[1]))
    return all(
        np.array_equal(one[row : row + step], other[row : row + step])
        for row in range(0, len(one), step)
    )


def _same_place(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors view the same bytes."""
    if one.storage_offset != other.storage_offset:
        return False
    if one.storage is other.storage:
        return True
    places = [(t.storage.member, t.storage.offset, t.storage.member_offset) for t in (one, other)]
    return places[0] == places[1] and any(place is not None for place in places[0][1:])
