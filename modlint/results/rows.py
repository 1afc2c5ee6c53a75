"""How alike the rows of a tensor are, and the elements of a row."""

from __future__ import annotations

from msgspec import Struct


class Rows(Struct, frozen=True):
    """What is known of the slices along a tensor's first axis.

    Attributes:
        rows: number of rows.
        identical: whether every row holds the same elements as the first.
        even: rows that are not zero and whose elements have one magnitude, by the coefficient of
            variation.
        uneven: rows of several magnitudes, and those that were not measured because most rows near
            them have several.
        scale: median magnitude of the even rows, 0 where there is none.
        smallest: the smallest magnitude of an even row, 0 where there is none.
        largest: the largest, likewise.
        outlying: the row whose magnitude is furthest from the median by ratio, None of none.
    """

    rows: int
    identical: bool
    even: int
    uneven: int
    scale: float
    smallest: float
    largest: float
    outlying: int | None
