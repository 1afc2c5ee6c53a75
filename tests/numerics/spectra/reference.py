"""A power law, written down once more: straight from Clauset et al., arXiv 0706.1062."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Fit(NamedTuple):
    alpha: float
    distance: float
    xmin: float
    spikes: int


def fitted(values: Sequence[float], threshold: float = 1e-5) -> Fit:
    """The fit with the least distance, by loops over all candidates and all values.

    The empirical distribution starts at 0; of fewer than 20 values the exponent is corrected for
    its bias, and tails below 8 are left out.
    """
    kept = sorted(value for value in values if value > threshold)
    small = len(kept) < 20
    best = Fit(math.nan, math.inf, math.nan, 0)
    for i, xmin in enumerate(kept[:-1]):
        tail = kept[i:]
        if small and len(tail) < 8 and not (i == 0 and len(kept) < 8):
            continue
        logs = math.fsum(math.log(x / xmin) for x in tail)
        if not logs:
            continue
        alpha = 1 + (len(tail) - small) / logs
        distance = max(
            abs(1 - (x / xmin) ** (1 - alpha) - j / len(tail)) for j, x in enumerate(tail)
        )
        if distance < best.distance:
            best = Fit(alpha, distance, xmin, len(tail))
    return best
