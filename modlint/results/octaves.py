"""How the density of a tensor's elements jumps from octave to octave."""

from __future__ import annotations

from msgspec import Struct

MOST_LEVEL = 5
"""Finest cells that are looked at, of 1/32 octave."""


HEALTHY = 0.3
"""Slope that no healthy tensor exceeds by more than its error."""
LEAST = 3
"""Edges that must agree: the bound of a uniform initialiser at a power of two is one alone."""


class Jumps(Struct, frozen=True):
    """The density's jumps at the edges of cells, on those of the cells' means.

    Attributes:
        slope: 0 of a smooth density, 1 of one that is flat in each cell.
        error: standard error of the slope.
        telling: edges at which the means differ by enough to tell alone.
        agreeing: those of them at which the density jumps as well.
    """

    slope: float
    error: float
    telling: int
    agreeing: int

    def is_written(self, slope: float, deviations: float) -> bool:
        """Whether the density is flat in cells, by more than one or two edges."""
        clear = (self.slope - HEALTHY) > deviations * self.error
        most = self.agreeing >= LEAST and 3 * self.agreeing >= 2 * self.telling
        return self.slope > slope and clear and most


class OctaveJumps(Struct, frozen=True):
    """The jumps of one tensor's density.

    Attributes:
        elements: numbers, neither zero nor subnormal, that were looked at.
        levels: jumps at cells of 1/2^i octave; empty where the values form a lattice.
    """

    elements: int
    levels: tuple[Jumps, ...]

    def written(self, slope: float, deviations: float) -> int | None:
        """The coarsest level at which bits were written over, None where there is none."""
        levels = (i for i, jumps in enumerate(self.levels) if jumps.is_written(slope, deviations))
        return next(levels, None)
