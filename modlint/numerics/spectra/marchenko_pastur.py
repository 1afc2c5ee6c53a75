"""The Marchenko–Pastur law that fits a bulk of eigenvalues best, by WeightWatcher's procedure.

The eigenvalues, scaled to mean 1, are smoothed with a linear kernel, and the scale σ of the law is
sought on a grid and refined; of square matrices the quarter-circle law of the singular values.
Martin and Mahoney, arXiv 1810.01075, section 3.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.results.spectra import Bulk

Floats = NDArray[np.float64]

_WIDTH = 0.1
"""Of the kernel."""
_POINTS = 1000
"""At which densities are compared."""
_LEAST = 0.01
"""Density below which they are not."""
_FAR = 1000.0
"""What each point counts where a law cannot be that of the bulk."""


def bulk(eigenvalues: Floats, rows: int, columns: int) -> Bulk | None:
    """The law, its edges, and what lies above; None where no scale fits.

    Args:
        eigenvalues: ascending, (n,).
        rows: longer side of each matrix.
        columns: shorter side.
    """
    from scipy.optimize import brute

    total = float(eigenvalues.sum())
    if not 0 < total < math.inf or len(eigenvalues) < 2:
        return None
    factor = len(eigenvalues) / total
    scaled, ratio = eigenvalues * factor, rows / columns
    largest = float(scaled[-1])
    to_fit = np.sqrt(np.maximum(scaled, 0)) if ratio == 1 else scaled
    residual = partial(_residual, density=_Density(to_fit), ratio=ratio)
    unit = math.sqrt(largest) / (1 + 1 / math.sqrt(ratio))
    (sigma,) = brute(residual, (slice(0.05 * unit, 2.0 * unit, 0.01 * unit),), disp=False)
    upper = float(sigma * (1 + 1 / math.sqrt(ratio))) ** 2
    lower = float(sigma * (1 - 1 / math.sqrt(ratio))) ** 2
    fluctuation = upper ** (2 / 3) * columns ** (-2 / 3) / math.sqrt(ratio)
    above = int((scaled > upper + math.sqrt(fluctuation)).sum())
    return Bulk(float(sigma), lower / factor, upper / factor, above, upper / largest)


class _Density:
    """The eigenvalues smoothed with a linear kernel, where their density is not negligible."""

    def __init__(self, values: Floats) -> None:
        places = np.linspace(0, values.max() + 0.5, _POINTS)
        densities = _smoothed(np.sort(values), places)
        kept = densities > _LEAST
        self.places, self.densities = places[kept], densities[kept]
        self.peak = float(self.places[self.densities.argmax()]) if kept.any() else 0.0
        self.end = float(self.places[-1]) if kept.any() else 0.0


def _smoothed(values: Floats, places: Floats) -> Floats:
    """Σ (1 − |x − v|/h)/(n·h) over the values v within h of each place x, from running sums."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low, at, high = (np.searchsorted(values, places + shift) for shift in (-_WIDTH, 0.0, _WIDTH))
    below = (at - low) * (_WIDTH - places) + sums[at] - sums[low]
    above = (high - at) * (_WIDTH + places) - sums[high] + sums[at]
    smoothed: Floats = (below + above) / (len(values) * _WIDTH**2)
    return smoothed


def _residual(scale: Any, density: _Density, ratio: float) -> float:
    """Squared differences of a law of this scale from the density."""
    sigma = float(np.ravel(scale)[0])
    x = density.places
    with np.errstate(all="ignore"):
        if ratio == 1:
            law = np.sqrt(4 - x**2) / (np.pi * sigma * sigma)
            return float(((np.nan_to_num(law) - density.densities) ** 2).sum())
        upper = (sigma * (1 + math.sqrt(1 / ratio))) ** 2
        lower = (sigma * (1 - math.sqrt(1 / ratio))) ** 2
        if upper < density.peak or upper > density.end or lower > density.peak:
            return len(x) * _FAR**2
        law = np.sqrt((upper - x) * (x - lower)) / (2 * np.pi * sigma * sigma * x / ratio)
        return float(((np.nan_to_num(law) - density.densities) ** 2).sum())
