"""Tensors that a file holds twice."""

from __future__ import annotations

from msgspec import Struct


class Copy(Struct, frozen=True):
    """A tensor that holds the elements of an earlier one.

    Attributes:
        name: its name.
        of: name of the earlier one.
        transposed: whether it holds them transposed.
        nbytes: bytes that it takes.
    """

    name: str
    of: str
    transposed: bool
    nbytes: int


class Copies(Struct, frozen=True):
    """What the file holds twice.

    Attributes:
        compared: number of tensors that were looked at.
        copies: in the file's order.
        unread: by name, why a tensor that may be a copy could not be read.
    """

    compared: int
    copies: tuple[Copy, ...]
    unread: dict[str, str]
