"""Whether a tensor's elements are those that an initialiser draws.

Initialisers are symmetric about zero, so magnitudes are compared, which doubles every difference.
Given the largest magnitude b, the others of a uniform sample are uniform on (0, b): no bound need
be guessed. Weights that are stored in 16 bits lie on a grid: both distributions are compared at
the upper edges of its cells, where rounding changes neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.sample import spread_sample
from modlint.results.initialisation import Initialisation, Initialiser
from modlint.results.statistics import Statistics

MOST = 1 << 16
"""Elements that are compared."""
DEVIATIONS = 5.0
"""By how many standard errors a moment may differ from an initialiser's."""

Floats = NDArray[np.float64]

_ROUNDING = 2.0**-6
"""By how much rounding to 16 bits may move the square of the largest magnitude."""
_FEWEST_BEYOND, _MOST_BEYOND = 1e-4, 20.0
"""How many elements of a normal sample lie beyond its largest magnitude, on average: an exponential
variable of mean 1."""
_BITS = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
"""By type, bits of the mantissa."""
_GRID = np.linspace(0.0, 6.0, 6001)
_HALF_NORMAL = np.array([math.erf(x / math.sqrt(2)) for x in _GRID.tolist()])
"""P(|z| < x) of a standard normal z on the grid; between its points it is linear to 1e-7."""

_CUT = 2.0
"""Standard deviations at which frameworks truncate."""
_CUT_MASS = math.erf(_CUT / math.sqrt(2))

_SCALED_NORMAL = (
    (0.6065, 0.75),
    (0.7312, 0.50),
    (0.8858, 0.25),
    (1.0503, 0.10),
    (1.1593, 0.05),
    (1.3676, 0.01),
    (1.6536, 0.001),
    (1.9065, 0.0001),
    (2.2, 0.0),
)
"""√n·D and its p-value where the standard deviation is that of the sample (Lilliefors' case for
magnitudes): 20,000 samples of 4,000 elements."""


class _Family(Struct, frozen=True):
    """A distribution of magnitudes.

    Attributes:
        name: the initialiser.
        square: mean of x² over the square of the unit, which is the largest magnitude.
        fourth: mean of x⁴ over the square of the mean of x².
    """

    name: Initialiser
    square: float
    fourth: float


_UNIFORM = _Family("uniform", 1 / 3, 9 / 5)
_TRUNCATED = _Family("truncated-normal", 0.773741 / _CUT**2, 2.365519)


class _Sample(Struct, frozen=True, eq=False):
    """Magnitudes that are not zero.

    Attributes:
        sorted: all of them.
        lower: by different value, the lower edge of the cell that is rounded to it.
        upper: the upper edge.
        below: the share of magnitudes that are smaller.
        up_to: the share of those that are no larger.
    """

    sorted: Floats
    lower: Floats
    upper: Floats
    below: Floats
    up_to: Floats

    def distance(self, distribution: Callable[[Floats], Floats]) -> float:
        """The Kolmogorov–Smirnov distance, at the edges of the cells."""
        above = np.abs(distribution(self.upper) - self.up_to).max()
        return float(max(above, np.abs(distribution(self.lower) - self.below).max()))


def initialisation(
    values: Callable[[], Array], statistics: Statistics, dtype: str
) -> Initialisation:
    """Compare a tensor with each initialiser that its moments allow.

    Args:
        values: gives the elements; not called where no initialiser is left.
        statistics: of all elements, which are finite; at least half of them are not zero.
        dtype: name of the element type.
    """
    elements = statistics.elements - statistics.zeros
    mean, std = statistics.mean or 0.0, statistics.std or 0.0
    largest = max(abs(statistics.minimum or 0.0), abs(statistics.maximum or 0.0))
    square = (std * std + mean * mean) * (statistics.elements / max(elements, 1))
    p_values: dict[Initialiser, float] = {"uniform": 0.0, "normal": 0.0, "truncated-normal": 0.0}
    sampled = 0
    if mean * mean * elements <= DEVIATIONS**2 * square < math.inf and square > 0:
        allowed = list(_allowed(elements, largest, square))
        sample = _sample(spread_sample(values(), MOST), dtype) if allowed else None
        if sample is not None:
            p_values |= {name: _p_value(name, sample) for name in allowed}
            sampled = len(sample.sorted)
    return Initialisation(elements, sampled, largest, math.sqrt(square), p_values)


def _allowed(elements: int, largest: float, square: float) -> Iterator[Initialiser]:
    """Initialisers that fit the mean square and the largest of all elements."""
    for family in (_UNIFORM, _TRUNCATED):
        off = abs(square / largest / largest / family.square - 1)
        if off <= DEVIATIONS * math.sqrt((family.fourth - 1) / elements) + _ROUNDING:
            yield family.name
    beyond = elements * math.erfc(largest / math.sqrt(2 * square))
    if _FEWEST_BEYOND <= beyond <= _MOST_BEYOND:
        yield "normal"


def _sample(elements: Floats, dtype: str) -> _Sample | None:
    magnitudes = np.abs(elements[elements != 0])
    magnitudes.sort()
    if not len(magnitudes):
        return None
    last = np.flatnonzero(np.append(np.diff(magnitudes) > 0, True))
    values, up_to = magnitudes[last], (last + 1) / len(magnitudes)
    half = np.ldexp(0.5, np.frexp(values)[1] - 1 - _BITS[_stored_as(magnitudes, dtype)])
    below = np.append(0.0, up_to[:-1])
    return _Sample(magnitudes, values - half, values + half, below, up_to)


def _stored_as(magnitudes: Floats, dtype: str) -> str:
    """The type on whose grid the elements lie: float32 may hold what a half could."""
    if dtype != "float32":
        return dtype
    low = int(np.bitwise_or.reduce(magnitudes.astype(np.float32).view(np.uint32)))
    return "bfloat16" if not low & 0xFFFF else "float16" if not low & 0x1FFF else dtype


def _p_value(name: Initialiser, sample: _Sample) -> float:
    root, largest = math.sqrt(len(sample.sorted)), sample.sorted[-1]
    if name == "normal":
        rms = math.sqrt(float(np.mean(sample.sorted * sample.sorted)))
        at, p = zip(*_SCALED_NORMAL, strict=True)
        return float(np.interp(root * sample.distance(lambda x: _half_normal(x / rms)), at, p))
    if name == "uniform":
        distance = sample.distance(lambda x: np.minimum(x / largest, 1))
    else:
        unit = largest / _CUT
        distance = sample.distance(lambda x: np.minimum(_half_normal(x / unit) / _CUT_MASS, 1))
    return _kolmogorov(distance * (root + 0.12 + 0.11 / root))


def _half_normal(x: Floats) -> Floats:
    share: Floats = np.interp(x, _GRID, _HALF_NORMAL)
    return share


def _kolmogorov(x: float) -> float:
    """P(√n·D > x); with the factor of Stephens 1970 it holds from n = 4 on."""
    if x < 0.2:
        return 1.0
    signs = ((-1.0) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, 2 * math.fsum(signs))
