"""Moments of elements, added up chunk by chunk, whatever their magnitude."""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import is_single, power_sums, sum_of, wide

_SINGLE_RANGE = 1e-6, 1e8
"""Where the largest magnitude lies between these, neither fourth powers nor their sums leave the
range of float32, and those that vanish count for nothing."""

_DOUBLE_RANGE = 1e-70, 1e70
"""The same of float64; beyond them elements are scaled by a power of two first."""


class Moments(NamedTuple):
    """Number, mean and sums of powers of deviations from the mean; NaN and infinity left out.

    Attributes:
        number: how many elements.
        mean: their mean, over 2^exponent.
        second: the sum of squared deviations, over 2^(2 exponent).
        third: of cubes, over 2^(3 exponent).
        fourth: of fourth powers, over 2^(4 exponent).
        exponent: 0 unless the elements are so large or small that their powers are no float64.
    """

    number: int = 0
    mean: float = 0.0
    second: float = 0.0
    third: float = 0.0
    fourth: float = 0.0
    exponent: int = 0

    @property
    def average(self) -> float:
        """The mean."""
        return self._unscaled(self.mean)

    @property
    def std(self) -> float:
        """The standard deviation (ddof 0)."""
        return self._unscaled(math.sqrt(self.second / self.number))

    @property
    def rms(self) -> float:
        """The root of the mean square."""
        return self._unscaled(math.hypot(self.mean, math.sqrt(self.second / self.number)))

    @property
    def kurtosis(self) -> float | None:
        """The fourth central moment over the squared variance; None where all are equal."""
        return self.number * self.fourth / self.second**2 if self.second else None

    def joined(self, other: Moments) -> Moments:
        """Those of the elements of both.

        By Pébay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and
        Arbitrary-Order Statistical Moments", 2008.
        """
        if not self.number or not other.number:
            return self if self.number else other
        a, b = _alike(self, other)
        n = a.number + b.number
        delta = b.mean - a.mean
        step, ab = delta / n, a.number * b.number
        return Moments(
            n,
            a.mean + step * b.number,
            a.second + b.second + delta * step * ab,
            a.third
            + b.third
            + delta * step * step * ab * (a.number - b.number)
            + 3 * step * (a.number * b.second - b.number * a.second),
            a.fourth
            + b.fourth
            + delta * step * step * step * ab * (a.number**2 - ab + b.number**2)
            + 6 * step * step * (a.number**2 * b.second + b.number**2 * a.second)
            + 4 * step * (a.number * b.third - b.number * a.third),
            a.exponent,
        )

    def scaled(self, exponent: int) -> Moments:
        """The same over another power of two."""
        by = self.exponent - exponent
        powers = (self.mean, self.second, self.third, self.fourth)
        mean, second, third, fourth = (math.ldexp(p, by * k) for k, p in enumerate(powers, start=1))
        return Moments(self.number, mean, second, third, fourth, exponent)

    def _unscaled(self, value: float) -> float:
        """What is over 2^exponent as it is; rounding may not take the largest float64 past it."""
        try:
            return math.ldexp(value, self.exponent)
        except OverflowError:
            return math.copysign(sys.float_info.max, value)


def moments(values: Array, low: float, high: float) -> Moments:
    """Those of a flat array in float32 or float64 that is finite and not empty.

    In float32 only where that is exact enough: where fourth powers stay in its range, and the mean
    is at most the standard deviation, else it takes digits from the deviations.

    Args:
        values: the elements.
        low: the least of them.
        high: the largest.
    """
    number, largest = len(values), max(-low, high)
    if low == high:
        return _of_equals(number, low)
    if is_single(values):
        if _SINGLE_RANGE[0] <= largest <= _SINGLE_RANGE[1]:
            found = _about_mean(number, 0.0, power_sums(values))
            if number * found.mean**2 <= found.second:
                return found
        values = wide(values)
    exponent = 0
    if not _DOUBLE_RANGE[0] <= largest <= _DOUBLE_RANGE[1]:
        exponent = math.frexp(largest)[1]
        values = values * 2.0 ** (-exponent // 2) * 2.0 ** (-exponent - -exponent // 2)
    found = _about_mean(number, 0.0, power_sums(values))
    if number * found.mean**2 > found.second:
        centre = sum_of(values) / number
        found = _about_mean(number, centre, power_sums(values - centre))
    return found._replace(exponent=exponent)


def _of_equals(number: int, value: float) -> Moments:
    mean, exponent = math.frexp(value) if value else (0.0, 0)
    if _DOUBLE_RANGE[0] <= abs(value) <= _DOUBLE_RANGE[1]:
        mean, exponent = value, 0
    return Moments(number, mean, exponent=exponent)


def _about_mean(number: int, centre: float, sums: tuple[float, float, float, float]) -> Moments:
    """Moments from the sums of powers of deviations from a centre."""
    first, second, third, fourth = sums
    mean = first / number
    return Moments(
        number,
        centre + mean,
        max(0.0, second - first * mean),
        third - 3 * mean * second + 2 * first * mean**2,
        max(0.0, fourth - 4 * mean * third + 6 * mean**2 * second - 3 * first * mean**3),
    )


def _alike(a: Moments, b: Moments) -> tuple[Moments, Moments]:
    """Both over one power of two: the larger, unless that side is nothing but zeros."""
    if a.exponent == b.exponent:
        return a, b
    exponents = [side.exponent for side in (a, b) if side.mean or side.second]
    exponent = max(exponents, default=0)
    return a.scaled(exponent), b.scaled(exponent)
