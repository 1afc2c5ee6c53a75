"""The elements of tensors that state a size or a number."""

from __future__ import annotations

from modlint.checkpoint import Tensor
from modlint.dtypes import DTYPES
from modlint.errors import Unavailable, UnreadableError

_MOST = 8


def numbers(tensor: Tensor) -> tuple[float, ...] | None:
    """The elements of a small tensor; None of a large one, and where they cannot be read."""
    if tensor.elements > _MOST or DTYPES.get(tensor.dtype.name) != tensor.dtype:
        return None
    from modlint.numerics.tensor.values import values_of

    try:
        return tuple(values_of(tensor, "cpu").reshape(-1).tolist())
    except (Unavailable, UnreadableError):
        return None


def whole_numbers(tensor: Tensor) -> tuple[int, ...] | None:
    """The elements of a small tensor of integers; None of any other."""
    found = numbers(tensor) if tensor.dtype.kind in ("int", "uint") else None
    return None if found is None else tuple(map(int, found))
