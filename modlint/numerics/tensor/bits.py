"""Counts by the bits of a tensor's elements, added up chunk by chunk."""

from __future__ import annotations

import numpy as np

from modlint.numerics.inputs import Array, Chunk
from modlint.numerics.tensor.arrays import bounds, codes_of_singles, count, distinct, is_single
from modlint.results.bits import MOST_VALUES, Bits

_TINY = 2.0**-24
_SMALLEST_NORMAL = {
    "float64": 2.0**-1022,
    "float32": 2.0**-126,
    "bfloat16": 2.0**-126,
    "float16": 2.0**-14,
}
_SAMPLE = 1024
"""Elements of a chunk that are sorted first: by them most tensors prove to have many values."""


class BitsSoFar:
    """What has been seen of a tensor."""

    def __init__(self, dtype: str) -> None:
        self.normal = _SMALLEST_NORMAL.get(dtype, 0.0)
        self.elements = self.tiny = self.subnormal = self.low_16 = self.low_13 = 0
        self.high, self.low = -np.inf, np.inf
        self.at_most = self.at_least = 0
        self.values: tuple[float, ...] = ()

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        with np.errstate(all="ignore"):
            values = chunk.floats.reshape(-1)
            self.elements += len(values)
            self._add_small(values)
            if is_single(chunk.stored):
                self._add_low_bits(codes_of_singles(values))
            self._add_ends(values)
            if len(self.values) < MOST_VALUES:
                self._add_distinct(values)

    def join(self, later: BitsSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        for name in ("elements", "tiny", "subnormal", "low_16", "low_13"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self._merge_ends(later.low, later.at_least, later.high, later.at_most)
        self._merge_values(later.values)

    def end(self) -> Bits:
        """The counts over all that was added."""
        return Bits(
            elements=self.elements,
            tiny=self.tiny,
            subnormal=self.subnormal,
            low_16=self.low_16,
            low_13=self.low_13,
            at_most=self.at_most,
            at_least=self.at_least,
            values=len(self.values),
        )

    def _add_small(self, values: Array) -> None:
        """Count what is below a bound and not zero; most chunks hold nothing below the larger."""
        magnitudes = abs(values)
        bound = max(_TINY, self.normal)
        if not count(magnitudes < bound):
            return
        small = magnitudes[(magnitudes < bound) & (magnitudes > 0)]
        self.tiny += count(small < _TINY)
        self.subnormal += count(small < self.normal)

    def _add_low_bits(self, codes: Array) -> None:
        low_13 = count((codes & 0x1FFF) == 0)
        self.low_13 += low_13
        if low_13:
            self.low_16 += count((codes & 0xFFFF) == 0)

    def _add_ends(self, values: Array) -> None:
        low, high = bounds(values)
        if low != low:
            values = values[values == values]
            low, high = bounds(values) if len(values) else (np.inf, -np.inf)
        at_least = count(values == low) if low <= self.low else 0
        at_most = count(values == high) if high >= self.high else 0
        self._merge_ends(low, at_least, high, at_most)

    def _merge_ends(self, low: float, at_least: int, high: float, at_most: int) -> None:
        if low <= self.low:
            self.at_least = at_least + (self.at_least if low == self.low else 0)
        if high >= self.high:
            self.at_most = at_most + (self.at_most if high == self.high else 0)
        self.low, self.high = min(low, self.low), max(high, self.high)

    def _add_distinct(self, values: Array) -> None:
        """Look at some elements, and at all that are none of the values seen so far."""
        step = -(-len(values) // _SAMPLE)
        self._merge_values(distinct(values[::step]))
        rest = values
        for value in self.values:
            if len(self.values) == MOST_VALUES or not len(rest):
                return
            rest = rest[rest != value]
        if len(rest):
            self._merge_values(distinct(rest))

    def _merge_values(self, values: tuple[float, ...]) -> None:
        self.values = tuple(sorted({*self.values, *values})[:MOST_VALUES])
