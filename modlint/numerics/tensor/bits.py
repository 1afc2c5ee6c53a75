"""Counts by the bits of a tensor's elements, added up chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np

from modlint.numerics.inputs import Array, Chunk
from modlint.numerics.tensor.arrays import count, on_numpy
from modlint.results.bits import MOST_VALUES, Bits

_TINY = 2.0**-24
_SMALLEST_NORMAL = {
    "float64": 2.0**-1022,
    "float32": 2.0**-126,
    "bfloat16": 2.0**-126,
    "float16": 2.0**-14,
}


class BitsSoFar:
    """What has been seen of a tensor."""

    def __init__(self, dtype: str) -> None:
        self.single = dtype == "float32"
        self.normal = _SMALLEST_NORMAL.get(dtype, 0.0)
        self.elements = self.tiny = self.subnormal = self.low_16 = self.low_13 = 0
        self.high, self.low = -np.inf, np.inf
        self.at_most = self.at_least = 0
        self.values: set[float] = set()

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        values = _flat(chunk.values)
        magnitudes = np.abs(values)
        self.elements += len(values)
        self.tiny += count((magnitudes < _TINY) & (magnitudes > 0))
        self.subnormal += count((magnitudes < self.normal) & (magnitudes > 0))
        if self.single:
            bits = values.astype(np.float32).view(np.uint32)
            self.low_16 += count((bits & 0xFFFF) == 0)
            self.low_13 += count((bits & 0x1FFF) == 0)
        self._add_ends(values)
        if len(self.values) < MOST_VALUES:
            new = np.unique(values[:: max(1, len(values) // 4096)])
            if len(new) < MOST_VALUES:
                new = np.unique(values)
            self.values.update(new[:MOST_VALUES].tolist())

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
            values=min(len(self.values), MOST_VALUES),
        )

    def _add_ends(self, values: Array) -> None:
        high, low = float(values.max()), float(values.min())
        if high > self.high:
            self.high, self.at_most = high, 0
        if low < self.low:
            self.low, self.at_least = low, 0
        self.at_most += count(values == self.high)
        self.at_least += count(values == self.low)


def _flat(values: Array) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = values if on_numpy(values) else values.cpu().numpy()
    return array.reshape(-1)
