"""How a tensor's elements are distributed, by the bits that store them."""

from __future__ import annotations

from msgspec import Struct

MOST_VALUES = 17
"""Different values that are counted; more are not told apart."""


class Bits(Struct, frozen=True):
    """Counts over a float tensor's elements, by their bits.

    Attributes:
        elements: number of elements.
        tiny: elements that are not zero and whose magnitude is below 2^-24, half of which float16
            has no number for.
        subnormal: elements that are subnormal in their own type.
        low_16: of float32, elements whose low 16 bits are zero: what bfloat16 holds; 0 of others.
        low_13: of float32, elements whose low 13 bits are zero: what float16 holds; 0 of others.
        at_most: elements equal to the largest.
        at_least: elements equal to the smallest.
        values: different values, counted up to `MOST_VALUES`; −0 and 0 are one.
    """

    elements: int
    tiny: int
    subnormal: int
    low_16: int
    low_13: int
    at_most: int
    at_least: int
    values: int
