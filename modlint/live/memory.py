"""What every kind of array is read into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from modlint.checkpoint import Storage
from modlint.dtypes import DTYPES, DType, opaque


class Composite(Struct, frozen=True):
    """A tensor that is made of several.

    Attributes:
        layout: PyTorch's name of it ("sparse_coo"), or the class of a wrapper ("DTensor").
        size: its shape.
        parts: the tensors that it is made of, by what they are ("indices").
    """

    layout: str
    size: tuple[int, ...]
    parts: Mapping[str, Any]


def element_type(name: str, itemsize: int) -> DType:
    """The type of that name, where its elements take as many bytes as PyTorch's do.

    Args:
        name: the library's own ("float32").
        itemsize: bytes of an element.
    """
    known = DTYPES.get(name)
    bits = 8 * itemsize
    return known if known is not None and known.bits == bits else opaque(name, bits)


def shared(storages: dict[object, Storage], key: object, storage: Storage) -> Storage:
    """The storage that stands for a place in memory, the first that was given for it."""
    return storages.setdefault(key, storage)


def first_line(error: Exception) -> str:
    """What a library's error says, without what it adds for its own developers."""
    return str(error).partition("\n")[0]
