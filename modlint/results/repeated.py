"""Tensors whose elements the file holds a second time."""

from __future__ import annotations

from msgspec import Struct


class Repeated(Struct, frozen=True):
    """A tensor that repeats another.

    Attributes:
        name: of the tensor.
        of: name of the first tensor of the same elements.
        nbytes: that the copy takes.
        transposed: whether rows and columns are exchanged.
    """

    name: str
    of: str
    nbytes: int
    transposed: bool
