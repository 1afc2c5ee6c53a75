"""What lies at the ends of a tensor's range."""

from __future__ import annotations

from msgspec import Struct

GRID = 256
"""Different values up to which a tensor's are a grid: codes of a byte times a scale."""


class Ends(Struct, frozen=True):
    """Counts at the ends of the range of a tensor's finite elements.

    Attributes:
        elements: number of finite elements.
        low: the smallest.
        high: the largest.
        at_low: elements equal to the smallest.
        at_high: elements equal to the largest.
        near_low: elements above the smallest, by a hundredth of its magnitude at most.
        near_high: elements below the largest, likewise.
        grid: whether there are no more than `GRID` different values.
    """

    elements: int
    low: float
    high: float
    at_low: int
    at_high: int
    near_low: int
    near_high: int
    grid: bool
