"""A power law fitted to the tail of eigenvalues, as WeightWatcher fits it.

Clauset, Shalizi and Newman, arXiv 0706.1062, sections 3.1 and 3.3: for each candidate xmin the
maximum-likelihood exponent of what lies above, and of all candidates the one whose fit has the
least Kolmogorov–Smirnov distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modlint.results.spectra import PowerLaw

THRESHOLD = 1e-5
"""Eigenvalues up to it are left out."""
SMALL = 20
"""Eigenvalues below which the exponent is corrected for its bias, and short tails are left out."""
_SHORTEST = 8
_DEGENERATE = 1e-12
_PROBES = 48
"""Places of a tail at which its distance is bounded from below before it is computed."""
_BLOCK = 1 << 20

Floats = NDArray[np.float64]


def power_law(eigenvalues: Floats) -> PowerLaw | None:
    """The power law with the least distance; None of fewer than two different eigenvalues.

    Args:
        eigenvalues: ascending, (n,).
    """
    kept = eigenvalues[np.searchsorted(eigenvalues, THRESHOLD, side="right") :]
    if len(kept) < 2 or kept[0] == kept[-1]:
        return None
    logs = np.log(kept)
    alphas = _exponents(logs)
    i, distance = _least(logs, alphas)
    tail = len(kept) - i
    alpha = float(alphas[i])
    if not np.isfinite(alpha) or alpha <= 1:
        return None
    return PowerLaw(
        alpha=alpha,
        distance=distance,
        xmin=float(kept[i]),
        sigma=(alpha - 1) / np.sqrt(tail).item(),
        spikes=int(len(kept) - np.searchsorted(kept, kept[i])),
    )


def _exponents(logs: Floats) -> Floats:
    """By candidate, 1 + n/Σ ln(x/xmin); 0 where a candidate is none."""
    n = np.arange(len(logs), 1, -1, dtype=np.float64)
    sums = np.cumsum(logs[::-1])[::-1][:-1] - n * logs[:-1]
    small = len(logs) < SMALL
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas: Floats = 1 + (n - small) / sums
    if small:
        alphas[(n < _SHORTEST) | (sums <= _DEGENERATE)] = 0
        if len(logs) < _SHORTEST and sums[0] > _DEGENERATE:
            alphas[0] = 1 + (n[0] - 1) / sums[0]
    return alphas


def _least(logs: Floats, alphas: Floats) -> tuple[int, float]:
    """The candidate with the least distance, the first of equal ones, and that distance."""
    bounds = _lower_bounds(logs, alphas)
    best, least = 0, np.inf
    for i in np.argsort(bounds, kind="stable"):
        if bounds[i] > least:
            break
        distance = _distance(logs, alphas, int(i))
        if distance < least or (distance == least and i < best):
            best, least = int(i), distance
    return best, float(least)


def _distance(logs: Floats, alphas: Floats, i: int) -> float:
    """The largest |F(x) − j/n| over a tail; 1 where the candidate is none."""
    if not 1 < alphas[i] < np.inf:
        return 1.0
    tail = logs[i:] - logs[i]
    tail *= 1 - alphas[i]
    np.exp(tail, out=tail)
    tail += np.arange(len(tail)) / len(tail)
    return max(1.0 - float(tail.min()), float(tail.max()) - 1.0)


def _lower_bounds(logs: Floats, alphas: Floats) -> Floats:
    """By candidate, the distance at some places of the tail."""
    n, candidates = len(logs), len(alphas)
    bounds = np.empty(candidates)
    steps = np.arange(_PROBES) / _PROBES
    for first in range(0, candidates, max(1, _BLOCK // _PROBES)):
        i = np.arange(first, min(candidates, first + _BLOCK // _PROBES))[:, None]
        at = (steps * (n - i)).astype(np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            theory = np.exp((logs[i + at] - logs[i]) * (1 - alphas[i]))
        apart = np.abs(1 - theory - at / (n - i)).max(axis=1)
        none = ~((alphas[i[:, 0]] > 1) & (alphas[i[:, 0]] < np.inf))
        bounds[i[:, 0]] = np.where(none, 1.0, apart)
    return bounds - 1e-12
