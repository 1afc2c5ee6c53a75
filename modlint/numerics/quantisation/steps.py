"""How the numbers of neighbouring quantised codes differ: pairs of values, in steganalysis.

Codes of a quantiser have a smooth histogram: of a cell of 2^b codes the upper half holds more or
fewer than the lower one, as the cells around foretell. Low bits that were written over spread the
codes of a cell evenly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Chunk
from modlint.numerics.tensor.arrays import on_numpy
from modlint.results.code_steps import CodeSteps, Step
from modlint.results.quantisation import Layout, QuantisedWeight

Counts = NDArray[np.float64]

_FEWEST = 20
"""Codes for each code of a cell that is looked at."""
_LEAST_CELLS = 3
_LEVELS = {8: 4, 4: 2}
_SPIKE = {8: 1.5, 4: 3.0}
"""Over the median of its neighbours, from which a code is one that something fills: zeros."""


class BytesSoFar:
    """How often each byte was seen."""

    def __init__(self) -> None:
        self.counts = np.zeros(256, np.int64)

    def add(self, chunk: Chunk) -> None:
        """Take in some elements."""
        stored = chunk.stored
        flat = (stored if on_numpy(stored) else stored.cpu().numpy()).reshape(-1)
        self.counts += np.bincount(np.ascontiguousarray(flat).view(np.uint8), minlength=256)

    def join(self, later: BytesSoFar) -> None:
        """Take in what another has seen of elements behind these."""
        self.counts += later.counts

    def end(self) -> tuple[int, ...]:
        """By byte."""
        return tuple(self.counts.tolist())


def steps_of(
    weights: Iterable[tuple[QuantisedWeight, tuple[int, ...]]],
) -> tuple[CodeSteps, ...]:
    """Of each weight, and of all with as many bits together.

    Args:
        weights: each with how often its codes' tensor holds each byte.
    """
    found, sums = [], dict[int, Counts]()
    for weight, octets in weights:
        if weight.layout is None:
            continue
        counts = _codes(octets, weight.layout)
        bits = weight.layout.bits
        sums[bits] = sums.get(bits, np.zeros_like(counts)) + counts
        found.append(_steps(weight.name, weight.parts["codes"].name, counts))
    return (*found, *(_steps("", "", counts) for counts in sums.values()))


def _codes(octets: tuple[int, ...], layout: Layout) -> Counts:
    """How often each code is stored, in the order of what the codes stand for."""
    counts = np.array(octets, dtype=np.float64)
    if layout.bits == 4:
        square = counts.reshape(16, 16)
        counts = square.sum(0) + square.sum(1)
    return np.roll(counts, len(counts) // 2) if layout.decoding == "signed" else counts


def _steps(weight: str, tensor: str, counts: Counts) -> CodeSteps:
    bits = len(counts).bit_length() - 1
    levels = range(1, _LEVELS[bits] + 1)
    steps = tuple(step_at(counts, level) for level in levels)
    return CodeSteps(weight, tensor, bits, int(counts.sum()), steps)


def step_at(counts: Counts, level: int) -> Step | None:
    """Regress the step within cells of 2^level codes on a quarter of that between their neighbours.

    The mean of each two neighbours is that of a line; the noise in what they foretell, a 32nd of
    the step's own a cell, is taken out of the sum of squares.
    """
    size = 1 << level
    cells = counts.reshape(-1, size)
    total = cells.sum(1)
    step = cells[:, size // 2 :].sum(1) - cells[:, : size // 2].sum(1)
    foretold = np.zeros(len(total))
    foretold[1:-1] = (total[2:] - total[:-2]) / 8
    if not counts.any():
        return None
    known = (total >= _FEWEST * size) & ~_spiked(counts).reshape(-1, size).any(1)
    inner = np.full(len(total), False)
    inner[1:-1] = known[2:] & known[1:-1] & known[:-2]
    if inner.sum() < _LEAST_CELLS:
        return None
    squares = (foretold[inner] ** 2 / total[inner]).sum() - inner.sum() / 32
    if squares <= 0:
        return None
    slope = (foretold[inner] * step[inner] / total[inner]).sum() / squares
    return Step(float(slope), float(squares**-0.5))


def _spiked(counts: Counts) -> NDArray[np.bool_]:
    """Codes far above their neighbours (zeros of pruning), and the ends, which scales fill."""
    limit = _SPIKE[len(counts).bit_length() - 1]
    padded = np.pad(counts, 2, mode="edge")
    around = np.median([padded[i : i + len(counts)] for i in (0, 1, 3, 4)], axis=0)
    spiked: NDArray[np.bool_] = counts > limit * around + 5 * np.sqrt(around + 1)
    spiked[np.flatnonzero(counts)[[0, -1]]] = True
    return spiked
