"""Random numbers that depend on what they are for, and on nothing else.

Every stream is named by integers (the user's seed, the number of a shuffle, the number of a
matrix), so that neither the device, nor the number of workers, nor the file's format changes a
result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array, Device
from modlint.numerics.tensor.library import library, on_device, on_numpy
from modlint.numerics.tensor.streams import seed_of

_GAMMA, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_PIECE = 1 << 15
"""Keys that are made at a time on the CPU, where they stay in its cache."""

_UPPER = 48
"""Below the 16 upper bits of an int64."""

_FRACTION = 53
"""Bits of a float64 between 0 and 1."""


class Stream:
    """Numbers of a Mersenne Twister (Matsumoto & Nishimura 1998), seeded by a purpose's hash.

    The lower 32 bits of the hash seed it, and its words are used as `torch.Generator` uses them.
    """

    def __init__(self, purpose: str, *numbers: int) -> None:
        """Begin a stream.

        Args:
            purpose: what the numbers are for; different purposes give independent streams.
            numbers: integers of any size, in a fixed order.
        """
        seed = seed_of(purpose, *numbers) & 0xFFFFFFFF
        self._source = np.random.RandomState(seed)

    def below(self, limit: int, count: int) -> NDArray[np.int64]:
        """Integers from 0 to limit − 1: (count,)."""
        return (self._words(count) % limit).astype(np.int64)

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Numbers in [0, 1)."""
        high, low = self._words(2 * math.prod(shape)).reshape(-1, 2).T
        whole = (high << np.uint64(32) | low) & np.uint64((1 << _FRACTION) - 1)
        drawn = whole.astype(np.float64) * 2.0**-_FRACTION
        return drawn.reshape(shape)

    def _words(self, count: int) -> NDArray[np.uint64]:
        return np.frombuffer(self._source.bytes(4 * count), "<u4").astype(np.uint64)


def permutations(
    seed: int, shuffles: Sequence[int], matrix: int, entries: int, device: Device = "cpu"
) -> Array:
    """The permutations of one matrix' entries in some shuffles: the same on every device.

    Entries are sorted by random keys. A key's high bits are SplitMix64 (Steele, Lea & Flood, Fast
    splittable pseudorandom number generators, OOPSLA 2014) of the entry's number, its low bits that
    number itself: sorted keys hold the permutation, and no two are equal. Below 2^32 entries at
    least 32 bits are random.

    Args:
        seed: the user's.
        shuffles: numbers of the shuffles, from 1.
        matrix: number of the matrix in topological order, from 0.
        entries: how many entries it permutes, those of the (in, out) layout in row-major order.
        device: where to make them.

    Returns:
        (shuffles, entries) int64.
    """
    low = (1 << max(entries - 1, 0).bit_length()) - 1
    starts = [_signed(seed_of("permutation", seed, n, matrix) + _GAMMA) for n in shuffles]
    first = on_device(np.array(starts, dtype=np.int64)[:, None], device)
    numbers = on_device(np.arange(entries), device)
    keys = library(numbers).empty((len(starts), entries), dtype=numbers.dtype, device=device)
    step = max(1, _PIECE // len(starts)) if isinstance(device, str) else max(1, entries)
    for begin in range(0, entries, step):
        own, piece = numbers[begin : begin + step], keys[:, begin : begin + step]
        piece[...] = own * _signed(_GAMMA) + first
        _mix(piece)
        piece &= ~low
        piece |= own
    keys = _ascending(keys)
    keys &= low
    return keys


def _ascending(keys: Array) -> Array:
    """Rows of random keys, sorted: (…, entries).

    On the CPU first by their upper 16 bits, which NumPy does in two passes of a radix sort; what is
    left to its merge sort then lies near its place, and takes a third of the time.
    """
    if not on_numpy(keys):
        return library(keys).sort(keys, axis=-1)
    for row in keys:
        row[...] = row[np.argsort((row >> _UPPER).astype(np.int16), kind="stable")]
        row.sort(kind="stable")
    return keys


def _mix(z: Any) -> None:
    """SplitMix64's output function, in place; signed integers are shifted arithmetically."""
    for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
        z ^= (z >> shift) & ((1 << (64 - shift)) - 1)
        z *= _signed(factor)
    z ^= (z >> 31) & ((1 << 33) - 1)


def _signed(number: int) -> int:
    """The int64 with the same low 64 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
