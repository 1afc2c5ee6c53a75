"""A measured value against its limit: how close it is, and the bar that shows it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from rich.text import Text

from modlint.text import number
from modlint.verdict import Verdict

MIN_CELLS, MAX_CELLS = 8, 14
"""Width of a bar; the limit stands at two thirds of it."""

Bound = Literal["min", "max"]
BOUNDS: tuple[Bound, ...] = ("min", "max")
LABELS = {"ncut": "n-cut", "p_value": "p", "z_score": "z", "robust_z": "robust z"}


class Measure(Struct, frozen=True):
    """One value of a verdict that has a limit.

    Attributes:
        name: the value's name in the verdict.
        value: what was measured; finite.
        bound: which side the limit is on.
        limit: the limit itself.
    """

    name: str
    value: float
    bound: Bound
    limit: float

    @property
    def strain(self) -> float:
        """How much of the limit is used up: beyond 1 it is broken."""
        sign = 1 if self.bound == "max" else -1
        value, limit = sign * self.value, sign * self.limit
        if limit > 0:
            return max(value, 0.0) / limit
        if limit < 0 and value < 0:
            return limit / value
        return math.inf if value > limit else 0.0

    @property
    def label(self) -> str:
        """The value's name in words."""
        return label(self.name)

    @property
    def scaled(self) -> bool:
        """Whether the limit gives a scale to draw the value on; zero gives none."""
        return bool(self.limit)

    @property
    def limit_text(self) -> str:
        """The limit in words."""
        return f"{self.bound} {number(self.limit)}"

    def bar(self, style: str, cells: int) -> Text:
        """The value as a line from zero, the limit (not zero) as a mark on it."""
        mark = cells * 2 // 3
        filled = _filled(self.value, self.limit, mark, cells)
        line = ["━" if cell + 1 <= filled else "·" for cell in range(cells)]
        if filled > cells:
            line[-1] = "▶"
        elif filled % 1:
            line[int(filled)] = "╸"
        line[mark] = "┃"
        bar = Text("".join(line), "dim")
        bar.stylize(f"not dim {style}", 0, math.ceil(filled))
        bar.stylize("not dim default bold", mark, mark + 1)
        return bar


def label(name: str) -> str:
    """A value's name in words: "largest share" for "largest_share"."""
    return LABELS.get(name, name.replace("_", " "))


def measures(verdict: Verdict) -> list[Measure]:
    """The values that have a limit, each with the closer of its limits, the tightest first."""
    closest: dict[str, Measure] = {}
    for measure in sorted(_limited(verdict), key=lambda measure: -measure.strain):
        closest.setdefault(measure.name, measure)
    return list(closest.values())


def strain(verdict: Verdict) -> float:
    """How much of its tightest limit a verdict uses up, 0 where it has none."""
    return max((measure.strain for measure in _limited(verdict)), default=0.0)


def _limited(verdict: Verdict) -> Iterator[Measure]:
    for name, limits in verdict.limit.items():
        value = verdict.values.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            yield from (Measure(name, value, b, limits[b]) for b in BOUNDS if b in limits)


def _filled(value: float, limit: float, mark: int, cells: int) -> float:
    """Cells of a bar that a value fills, in halves; more than `cells` where it runs off.

    A value within its limit stays before the mark and one beyond it is seen behind the mark,
    however close they are.
    """
    if not value or value * limit < 0:
        return 0.0
    halves = round(value / limit * mark * 2) / 2
    if value / limit <= 1:
        return max(halves, 0.5)
    return min(max(halves + 1, mark + 1.5), cells + 1.0)
