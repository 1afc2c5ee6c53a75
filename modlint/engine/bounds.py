"""How much the tensors of one file may view: a few bytes can be viewed without end."""

from __future__ import annotations

from collections.abc import Collection

from modlint.checkpoint import Tensor

MAX_REPEATS = 16
"""How many times over the tensors may view the bytes that the file holds."""
FREE = 1 << 30
"""Bytes that they may view in any case."""


def most_viewed(tensors: Collection[Tensor]) -> int:
    """Bytes that tensors may view in all; storages at one place in the file count once."""
    storages = {tensor.storage for tensor in tensors}
    mapped = {s.offset: s.nbytes for s in storages if s.offset is not None}
    held = sum(mapped.values()) + sum(s.nbytes for s in storages if s.offset is None)
    return FREE + MAX_REPEATS * held


def excess(tensors: Collection[Tensor]) -> str | None:
    """What is wrong where the tensors view more than that."""
    viewed, most = sum(tensor.nbytes for tensor in tensors), most_viewed(tensors)
    if viewed <= most:
        return None
    return (
        f"its tensors view {viewed:,} bytes, the file's own many times over; the limit is {most:,}"
    )
