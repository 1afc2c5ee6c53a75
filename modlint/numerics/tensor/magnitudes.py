"""Quantiles of absolute values, from a histogram of the leading bits of elements."""

from __future__ import annotations

import numpy as np

from modlint.numerics.inputs import Chunk
from modlint.numerics.tensor.arrays import codes_of_halves, codes_of_singles, histogram
from modlint.results.magnitudes import Magnitudes

_BINS = 1 << 15
"""Codes of 16 bits without the sign."""
_INFINITE, _INFINITE_HALF = 0x7F80, 0x7C00
"""The codes of infinity; those behind it are of NaN."""


class MagnitudesSoFar:
    """How often each leading half of an element's float32 was seen, or each float16."""

    def __init__(self, dtype: str) -> None:
        self.half, self.whole = dtype == "float16", dtype != "float32"
        self.counts = np.zeros(_BINS, dtype=np.int64)

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        if self.half:
            codes = codes_of_halves(chunk.stored.reshape(-1))
        else:
            codes = codes_of_singles(chunk.floats.reshape(-1)) >> 16
        self.counts += histogram(codes & (_BINS - 1), _BINS)

    def join(self, later: MagnitudesSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        self.counts += later.counts

    def end(self) -> Magnitudes | None:
        """The quantiles of what is finite of all that was added."""
        sums = self.counts[: _INFINITE_HALF if self.half else _INFINITE].cumsum()
        elements = int(sums[-1])
        if not elements:
            return None
        p50, p999 = (int(sums.searchsorted(-(-elements * p // 1000))) for p in (500, 999))
        return Magnitudes(elements, self._value(p50), self._value(p999))

    def _value(self, code: int) -> float:
        """The magnitude that a code stands for; the middle of those that share it."""
        if self.half:
            return float(np.array(code, dtype=np.uint16).view(np.float16))
        middle = 0 if self.whole or not code else 1 << 15
        return float(np.array(code << 16 | middle, dtype=np.uint32).view(np.float32))
