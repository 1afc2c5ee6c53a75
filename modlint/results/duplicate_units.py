"""Units of a layer that are alike."""

from __future__ import annotations

from msgspec import Struct


class DuplicateGroups(Struct, frozen=True):
    """Units whose weights in point the same way.

    Attributes:
        units: number of units.
        compared: those that were compared: not constant, not zero.
        groups: indices of units that are alike, the largest group first.
    """

    units: int
    compared: int
    groups: tuple[tuple[int, ...], ...]
