"""How the elements of a tensor are spread."""

from __future__ import annotations

from msgspec import Struct


class Histogram(Struct, frozen=True):
    """How many of a float tensor's finite elements lie in each of so many ranges of one width.

    The ranges leave out at most 0.05 % of the elements on either side, so that a few outliers do
    not hide the others. Elements are told apart to 0.8 % of their magnitude.

    Attributes:
        elements: number of finite elements.
        low: where the first range begins.
        high: where the last one ends.
        counts: elements in each range.
        below: elements below `low`.
        above: elements above `high`.
    """

    elements: int
    low: float
    high: float
    counts: tuple[int, ...]
    below: int
    above: int
