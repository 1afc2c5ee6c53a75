"""How the numbers of quantised codes step within pairs, fours, … of neighbouring codes."""

from __future__ import annotations

from msgspec import Struct

HEALTHY = 0.7
"""Slope that codes of a quantiser do not fall below by more than its error."""
_KNOWN = 0.15
"""Error up to which a finer level can contradict a coarser one."""


class Step(Struct, frozen=True):
    """The step within cells of 2^b codes, on what the cells around them foretell.

    Attributes:
        slope: 1 of a smooth distribution, 0 of one that is flat in each cell.
        error: standard error of the slope.
    """

    slope: float
    error: float


class CodeSteps(Struct, frozen=True):
    """The steps of one weight's codes, or of those of a file together.

    Attributes:
        weight: name of the weight; "" of all together.
        tensor: name of the tensor that holds the codes; "" of all together.
        bits: of a code.
        elements: number of codes.
        steps: of cells of 2, 4, … codes; None where too little is known.
    """

    weight: str
    tensor: str
    bits: int
    elements: int
    steps: tuple[Step | None, ...]

    def written(self, slope: float, deviations: float) -> int:
        """How many low bits were written over, 0 where none was."""
        levels = range(len(self.steps))
        return max((i + 1 for i in levels if self._flat(i, slope, deviations)), default=0)

    def _flat(self, level: int, slope: float, deviations: float) -> bool:
        step = self.steps[level]
        if step is None or deviations * step.error + step.slope >= HEALTHY:
            return False
        finer = (one for one in self.steps[:level] if one is not None and one.error < _KNOWN)
        flat = abs(step.slope) <= slope
        return flat and all(abs(one.slope) <= slope + 2 * one.error for one in finer)
