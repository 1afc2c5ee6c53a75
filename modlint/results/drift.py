"""How one tensor's elements differ from another's."""

from __future__ import annotations

import math

from msgspec import Struct

CROSSINGS = 14
"""Crossings that steps would have left, from which their absence is no chance (e^−14)."""
CROSSING_SHARE = 0.2
"""Their share of the elements that changed; of bits that were written it is a third."""


class LowBits(Struct, frozen=True):
    """Differences that stay within the lowest bits of the elements' codes.

    Attributes:
        bits: the fewest low bits that hold every difference.
        crossings: how many elements would differ above those bits too if each had taken the step
            of the one before it: none, where steps are small beside the values' spread; a third of
            those that changed, where the bits were written.
        changed: how many elements differ.
        empty: whether those bits are zero in every element of the new tensor: a truncation.
    """

    bits: int
    crossings: int
    changed: int
    empty: bool

    def written(self, least: int) -> bool:
        """Whether they were written, and no steps added that happen to stay within them.

        Args:
            least: fewest crossings that tell.
        """
        enough = self.crossings >= max(least, CROSSING_SHARE * self.changed)
        return enough and not self.empty


class Drift(Struct, frozen=True):
    """How the elements of a new tensor differ from those of an old one of the same shape.

    Sums are over the elements that are finite on both sides; complex elements count as two.

    Attributes:
        elements: number of elements.
        changed: how many differ.
        squares: Σ old².
        difference: Σ (new − old)².
        product: Σ old · (new − old).
        largest: the largest |new − old|.
        largest_at: its row-major index, None where nothing differs.
        zeroed: how many became zero.
        not_finite: how many are finite in the old tensor and not in the new one.
        beyond: how many differ by more than a cast to the narrower type explains; 0 where no cast
            was asked about.
        trailing: low bits that are zero in every new element, of floats of one type on both sides.
        low_bits: where every difference stays in the low bits; None else.
    """

    elements: int
    changed: int = 0
    squares: float = 0.0
    difference: float = 0.0
    product: float = 0.0
    largest: float = 0.0
    largest_at: int | None = None
    zeroed: int = 0
    not_finite: int = 0
    beyond: int = 0
    trailing: int = 0
    low_bits: LowBits | None = None

    @property
    def identical(self) -> bool:
        """Whether no element differs."""
        return not self.changed

    @property
    def written(self) -> bool:
        """Whether low bits were written, which adding to the values would not have kept so."""
        return self.low_bits is not None and self.low_bits.written(CROSSINGS)

    @property
    def relative(self) -> float:
        """‖new − old‖ / ‖old‖; infinite where the old tensor is zero and the new one is not."""
        if not self.difference:
            return 0.0
        return math.sqrt(self.difference / self.squares) if self.squares else math.inf

    @property
    def cosine(self) -> float:
        """Cosine of the angle between both; 1 of equal tensors, 0 where one is zero."""
        if not self.difference:
            return 1.0
        new = max(self.squares + 2 * self.product + self.difference, 0.0)
        norms = math.sqrt(self.squares) * math.sqrt(new)
        return max(-1.0, min(1.0, (self.squares + self.product) / norms)) if norms else 0.0


class Scaling(Struct, frozen=True):
    """What is left of a difference when each row, or each column, of the old may be rescaled.

    Attributes:
        rows: relative error beside the best factor for each index of the first axis.
        columns: the same of the second axis.
    """

    rows: float
    columns: float
