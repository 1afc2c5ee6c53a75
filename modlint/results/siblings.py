"""How the same model in two files of a folder differs."""

from __future__ import annotations

from msgspec import Struct


class SiblingDifference(Struct, frozen=True):
    """What differs between a file and one that stands for the same model.

    Attributes:
        file: name of the other file.
        common: number of tensors that both hold by name.
        only_here: names of tensors that only the file holds, and that no loader makes anew.
        only_there: names of tensors that only the other holds, likewise.
        reshaped: names of tensors whose shapes differ.
        compared: number of tensors whose elements were compared.
        differing: names of tensors whose elements differ beyond the tolerance.
        largest: largest difference of an element, as a share of the largest magnitude in its
            tensor, over the first chunk of each tensor that differs.
        casts: pairs of element types, this file's and the other's, where they differ.
        unread: names of tensors whose elements could not be compared.
    """

    file: str
    common: int = 0
    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    compared: int = 0
    differing: tuple[str, ...] = ()
    largest: float = 0.0
    casts: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


class StrayFile(Struct, frozen=True):
    """A weight file that an index beside it does not name.

    Attributes:
        file: its name.
        nbytes: its size, in bytes.
        loaded_first: whether loaders take it instead of the index.
        repeated: number of its tensors that the index names too, None where its name alone tells.
    """

    file: str
    nbytes: int
    loaded_first: bool = False
    repeated: int | None = None
