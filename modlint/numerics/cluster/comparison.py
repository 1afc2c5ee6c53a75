"""Where an observed statistic lies among those of shuffles, and when enough are known."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import accumulate
from math import log, log1p

import numpy as np

from modlint.errors import Unavailable
from modlint.results.clusters import Comparison

LEVEL = 0.95
"""Of the interval of p."""


def decided(observed: float, samples: Sequence[float], extremes: int | None) -> bool:
    """Whether so many shuffles are as low, and so many as high, that more would change nothing.

    Besag & Clifford, Sequential Monte Carlo p-values, Biometrika 78 (1991), on both sides: the
    rarer side decides, so that either one-sided p-value is valid.
    """
    if extremes is None:
        return False
    return min(sum(side) for side in _as_extreme(observed, samples)) >= extremes


def compare(observed: float, samples: Sequence[float], extremes: int | None = None) -> Comparison:
    """Compare, by all the samples that a test took.

    Args:
        observed: the network's statistic; low is clusterable.
        samples: those of its shuffles, in the order in which they were drawn.
        extremes: how many on either side stop the test, None where it never stops early.

    Raises:
        Unavailable: the samples have no spread.
    """
    mean, std = statistics.fmean(samples), statistics.pstdev(samples)
    if std == 0:
        raise Unavailable(f"the statistics of {len(samples)} shuffle(s) have no spread")
    median = statistics.median(samples)
    mad = statistics.median(abs(sample - median) for sample in samples)
    lower, higher = _as_extreme(observed, samples)
    p_value, p_interval = _p(lower, extremes)
    p_worse, _ = _p(higher, extremes)
    return Comparison(
        observed=observed,
        null_samples=tuple(samples),
        null_mean=mean,
        null_std=std,
        z_score=(observed - mean) / std,
        robust_z=(observed - median) / (1.4826 * mad) if mad else None,
        p_value=p_value,
        p_interval=p_interval,
        p_worse=p_worse,
        p_two_sided=min(1.0, 2 * min(p_value, p_worse)),
        effect_size=(median - observed) / median if median else None,
    )


def _as_extreme(observed: float, samples: Sequence[float]) -> tuple[list[bool], list[bool]]:
    """Which shuffles are as low, and which as high."""
    return [s <= observed for s in samples], [s >= observed for s in samples]


def _p(extreme: Sequence[bool], extremes: int | None) -> tuple[float, tuple[float, float]]:
    """A one-sided p and its interval: h/n where the h-th extreme came with the n-th shuffle.

    Else (g + 1)/(N + 1).
    """
    found = sum(extreme)
    if extremes is None or found < extremes:
        return (found + 1) / (len(extreme) + 1), interval(found, len(extreme))
    drawn = 1 + list(accumulate(map(int, extreme))).index(extremes)
    return extremes / drawn, interval(extremes, drawn, stopped=True)


def interval(count: int, samples: int, *, stopped: bool = False) -> tuple[float, float]:
    """Clopper-Pearson interval of a chance, from how often it came true.

    Args:
        count: how often.
        samples: of how many.
        stopped: samples were drawn until it came true so often (inverse sampling).
    """
    tail, failures = (1 - LEVEL) / 2, samples - count
    above = count if stopped else count + 1
    low = _chance(count, count + failures, tail) if count else 0.0
    high = _chance(above, above + failures - 1, 1 - tail) if failures else 1.0
    return low, high


def _chance(least: int, draws: int, probability: float) -> float:
    """The chance of a success of which `least` or more in so many draws have a probability."""
    counts = np.arange(1, draws + 1)
    ways = np.append(0.0, np.cumsum(np.log((draws - counts + 1) / counts)))
    counts, ways = np.arange(least, draws + 1), ways[least:]
    low, high = 0.0, 1.0
    while low < (chance := (low + high) / 2) < high:
        logs = ways + counts * log(chance) + (draws - counts) * log1p(-chance)
        if np.exp(logs).sum() < probability:
            low = chance
        else:
            high = chance
    return high
