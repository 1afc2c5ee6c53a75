"""Rows of an embedding table that look untrained."""

from __future__ import annotations

from msgspec import Struct


class EmbeddingRowCounts(Struct, frozen=True):
    """Rows of an embedding table that look untrained, by their indices.

    Attributes:
        rows: number of rows.
        zero: rows of zeros only.
        duplicates: groups of equal rows that are not zero.
        near_mean: other rows whose distance to the mean row is below a tenth of the median.
        median: median distance of a row to the mean row, root mean square over the columns.
    """

    rows: int
    zero: tuple[int, ...]
    duplicates: tuple[tuple[int, ...], ...]
    near_mean: tuple[int, ...]
    median: float
