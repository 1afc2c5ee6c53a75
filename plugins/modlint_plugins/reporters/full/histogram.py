"""A null distribution as a small histogram, with the observed value in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct
from rich.text import Text

ROWS, BIN = 3, 3
"""Height of the histogram in lines, and width of a bin in cells."""

NEAR = 0.75
"""An observed value farther off than this many ranges of the null stands beyond a broken axis."""

LEVELS = " ▁▂▃▄▅▆▇█"
MARGIN = 3 * BIN  # cells beyond a break


class Axis(Struct, frozen=True):
    """Where values stand on a line of cells.

    Attributes:
        low: value at the cell `first`.
        high: value at the cell `last`.
        first: first cell of the continuous part.
        last: last cell of the continuous part.
        cells: cells of the whole line.
        observed: cell of the observed value.
    """

    low: float
    high: float
    first: int
    last: int
    cells: int
    observed: int

    @classmethod
    def of(cls, samples: Sequence[float], observed: float, cells: int) -> Axis:
        """One scale for samples and observed value, or a broken one where they lie far apart."""
        low, high = min(samples), max(samples)
        reach = NEAR * (high - low)
        if observed < low - reach:
            return cls(low, high, MARGIN, cells - 1, cells, 1)
        if observed > high + reach:
            return cls(low, high, 0, cells - 1 - MARGIN, cells, cells - 2)
        low, high = min(low, observed), max(high, observed)
        share = (observed - low) / (high - low) if high > low else 0.5
        return cls(low, high, 0, cells - 1, cells, round(share * (cells - 1)))

    @property
    def break_at(self) -> int | None:
        """First of the two cells that show the break, None on one scale."""
        if self.first:
            return self.first // 2
        return self.last + MARGIN // 2 if self.last + 1 < self.cells else None

    def cell(self, value: float) -> int:
        """The cell of a value on the continuous part."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.first + round(share * (self.last - self.first))


def histogram(samples: Sequence[float], observed: float, cells: int, style: str) -> list[Text]:
    """The lines of the drawing.

    Args:
        samples: the null distribution; finite, at least one.
        observed: the value to mark.
        cells: width, in cells.
        style: style of the mark.
    """
    axis = Axis.of(samples, observed, cells // BIN * BIN)
    lines = [_pointer(axis, _digits(observed, samples))]
    lines += [Text(row, "blue") for row in _rows(samples, axis)]
    lines += [Text(_ruler(axis), "dim")]
    for line in lines:
        if line.cell_len > axis.observed:
            line.stylize(f"not dim {style}", axis.observed, axis.observed + 1)
    return [*lines, Text(_scale(samples, axis), "dim")]


def _rows(samples: Sequence[float], axis: Axis) -> list[str]:
    heights = _heights(samples, axis)
    rows = []
    for row in reversed(range(ROWS)):
        fills = (min(max(height * ROWS - row, 0.0), 1.0) for height in heights)
        cells = "".join(LEVELS[math.ceil(fill * (len(LEVELS) - 1))] * BIN for fill in fills)
        line = (" " * axis.first + cells).ljust(axis.cells)
        rows.append(line[: axis.observed] + "│" + line[axis.observed + 1 :])
    return rows


def _heights(samples: Sequence[float], axis: Axis) -> list[float]:
    """Height of each bin, of the tallest."""
    bins = (axis.last - axis.first + 1) // BIN
    counts = [0] * bins
    for sample in samples:
        counts[min((axis.cell(sample) - axis.first) // BIN, bins - 1)] += 1
    return [amount / max(counts) for amount in counts]


def _ruler(axis: Axis) -> str:
    line = ["─"] * axis.cells
    if axis.break_at is not None:
        line[axis.break_at : axis.break_at + 2] = "╱╱"
    line[axis.observed] = "┴"
    return "".join(line)


def _pointer(axis: Axis, value: str) -> Text:
    """The observed value above its mark, on the side where there is room."""
    right = " " * axis.observed + f"▼ {value}"
    if len(right) <= axis.cells:
        return Text(right)
    return Text(f"{value} ▼".rjust(axis.observed + 1))


def _scale(samples: Sequence[float], axis: Axis) -> str:
    """The ends of the null distribution, below where they stand."""
    low, high = _digits(min(samples), samples), _digits(max(samples), samples)
    left, right = axis.cell(min(samples)), axis.cell(max(samples)) + 1
    return " " * left + low + high.rjust(max(right - left - len(low), len(high) + 2))


def _digits(value: float, samples: Sequence[float]) -> str:
    return to_digits(value, max(samples) - min(samples))


def to_digits(value: float, spread: float) -> str:
    """A value to two significant digits of a spread: what tells values apart."""
    decimals = 1 - math.floor(math.log10(spread)) if spread > 0 else 3
    return f"{value:,.{min(max(decimals, 0), 9)}f}"
