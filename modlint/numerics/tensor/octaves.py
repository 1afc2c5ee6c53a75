"""Whether the density of a tensor's elements jumps where only a payload makes it jump.

Weights have a density that is smooth across powers of two. Bits that are written over the low b
bits of a mantissa are spread evenly, so that within each cell of 2^b codes the density is flat: it
jumps from cell to cell by as much as the cells' means differ.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modlint.numerics.inputs import Chunk
from modlint.numerics.tensor.arrays import codes_of_singles, histogram
from modlint.results.octaves import MOST_LEVEL, Jumps, OctaveJumps

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_BINS = 1 << 15
"""Codes of sixteen bits without the sign: 256 exponents of 128 bins."""
_EXPONENTS, _IN_OCTAVE = 256, 128
_FEWEST = 64
"""Elements of an octave that is looked at."""
_FILLED = 0.9
"""Share of bins that must hold something where `_DENSE` elements a bin are to be expected."""
_DENSE = 10
_TELLING = 2.0
"""Jump of the means, in standard errors of the density's, from which a boundary tells alone."""
_AGREES = 0.5


class OctavesSoFar:
    """How often each leading half of an element's float32 was seen."""

    def __init__(self) -> None:
        self.counts = np.zeros(_BINS, dtype=np.int64)

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        codes = codes_of_singles(chunk.floats.reshape(-1)) >> 16
        self.counts += histogram(codes & (_BINS - 1), _BINS)

    def join(self, later: OctavesSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        self.counts += later.counts

    def end(self) -> OctaveJumps:
        """The jumps at cells of one octave, and of 1/2, 1/4, … of one."""
        counts = self.counts.astype(np.float64).reshape(_EXPONENTS, _IN_OCTAVE)[1:-1]
        used = counts.sum(1) >= _FEWEST
        elements = int(counts.sum())
        if not used.any() or _is_lattice(counts[used]):
            return OctaveJumps(elements, ())
        jumps = (jumps_at(counts, used, level) for level in range(MOST_LEVEL + 1))
        return OctaveJumps(elements, tuple(jumps))


class _Cells(Struct, frozen=True, eq=False):
    """Cells in order: of their lowest and highest bins and what lies between the density each."""

    low: Floats
    high: Floats
    inner: Floats
    low_variance: Floats
    high_variance: Floats


def _is_lattice(octaves: Floats) -> bool:
    """Whether values leave bins empty that elements of any density would fill."""
    filled = []
    for counts in octaves:
        width = 1
        while width < _IN_OCTAVE // 2 and counts.sum() * width < _DENSE * _IN_OCTAVE:
            width *= 2
        filled.append((counts.reshape(-1, width).sum(1) > 0).mean())
    return float(np.mean(filled)) < _FILLED


@np.errstate(all="ignore")
def jumps_at(counts: Floats, used: Mask, level: int) -> Jumps:
    """Regress the density's jump at each cell's edge on that of the cells' means.

    The means are of what lies between the edges, so that their errors are not those of the edges.

    Args:
        counts: elements in each bin: (octaves, bins of an octave).
        used: octaves that are looked at: (octaves,).
        level: an octave has 2^level cells.
    """
    cells = _cells(counts, level)
    known = np.repeat(used, 1 << level)
    both = known[1:] & known[:-1]
    means = (cells.inner[1:] - cells.inner[:-1])[both]
    edges = (cells.low[1:] - cells.high[:-1])[both]
    variance = (cells.low_variance[1:] + cells.high_variance[:-1])[both]
    weight = float((means**2 / variance).sum())
    if not weight > 0:
        return Jumps(0.0, np.inf, 0, 0)
    telling = abs(means) > _TELLING * np.sqrt(variance)
    agreeing = telling & (edges / means > _AGREES)
    slope = float((means * edges / variance).sum()) / weight
    return Jumps(slope, weight**-0.5, int(telling.sum()), int(agreeing.sum()))


def _cells(counts: Floats, level: int) -> _Cells:
    """Bins are an eighth of a cell wide, or as narrow as there are."""
    width = max(1, (_IN_OCTAVE >> level) // 8)
    bins = counts.reshape(len(counts), -1, width).sum(2)
    size = 2.0 ** np.arange(len(counts))[:, None] * width
    density = (bins / size).reshape(len(counts) << level, -1)
    variance = ((bins + 1) / size**2).reshape(density.shape)
    inner = density[:, 1:-1].mean(1)
    return _Cells(density[:, 0], density[:, -1], inner, variance[:, 0], variance[:, -1])
