"""A histogram of values in one pass, from counts of the leading bits of elements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Chunk
from modlint.numerics.tensor.arrays import codes_of_singles, histogram, narrowed
from modlint.results.histogram import Histogram

_CODES = 1 << 16
_MASK = _CODES - 1
_INFINITE = 0x7F80
"""The code of infinity; those behind it are of NaN."""
_TAIL = 0.0005
"""Share of the elements that either side may leave out."""
_NEARLY_ALL = 1.25
"""How much wider than without tails the whole range may be, to be shown."""


class HistogramSoFar:
    """How often each leading half of an element's float32 was seen."""

    def __init__(self, bins: int) -> None:
        self.bins = bins
        self.counts = np.zeros(_CODES, dtype=np.int64)

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        codes = codes_of_singles(narrowed(chunk.floats.reshape(-1))) >> 16
        self.counts += histogram(codes & _MASK, _CODES)

    def join(self, later: HistogramSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        self.counts += later.counts

    def end(self) -> Histogram | None:
        """The histogram of what is finite of all that was added."""
        edges, sums = self._distribution()
        if not sums.size or not sums[-1]:
            return None
        low, high = _range(edges, sums)
        ends = np.linspace(low, high, self.bins + 1)
        below = np.rint(np.interp(ends, edges, sums)).astype(np.int64)
        counts = tuple(np.diff(below).tolist())
        total = int(sums[-1])
        return Histogram(total, low, high, counts, int(below[0]), total - int(below[-1]))

    def _distribution(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values in ascending order, and how many elements lie below each."""
        sizes = (np.arange(_INFINITE + 1, dtype=np.uint32) << 16).view(np.float32).astype(float)
        sizes[-1] = 2.0**128
        positive = self.counts[:_INFINITE]
        negative = self.counts[_CODES // 2 : _CODES // 2 + _INFINITE][::-1]
        edges = np.concatenate((-sizes[::-1], sizes[1:]))
        sums = np.concatenate(([0], np.cumsum(np.concatenate((negative, positive)))))
        first = int(sums.searchsorted(0, "right")) - 1
        last = int(sums.searchsorted(sums[-1]))
        return edges[first : last + 1], sums[first : last + 1].astype(np.float64)


def _range(edges: NDArray[np.float64], sums: NDArray[np.float64]) -> tuple[float, float]:
    """What is shown: all where outliers leave it legible, else all but the tails."""
    tail = float(sums[-1]) * _TAIL
    inner = np.interp((tail, sums[-1] - tail), sums, edges)
    outer = edges[0], edges[-1]
    chosen = outer if outer[1] - outer[0] <= _NEARLY_ALL * (inner[1] - inner[0]) else inner
    low, high = float(chosen[0]), float(chosen[1])
    return (low, high) if high > low else (float(edges[0]), float(edges[-1]))
