"""What a buffer of whole numbers holds that something is looked up by."""

from __future__ import annotations

from msgspec import Struct


class IndexBuffer(Struct, frozen=True):
    """Facts of a tensor whose elements should be indices.

    Attributes:
        elements: number of elements.
        fractional: elements that are not whole numbers, NaN and infinities among them.
        minimum: the smallest finite element, 0 where there is none.
        maximum: the largest, likewise.
        out_of_step: row-major index of the first element that does not follow the one before it in
            its row (along the last axis) by 1, None where all do.
        different: number of different values.
    """

    elements: int
    fractional: int
    minimum: float
    maximum: float
    out_of_step: int | None
    different: int
