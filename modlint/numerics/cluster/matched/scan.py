"""The statistic over several numbers of clusters at once.

Each S_k is standardised by mean and deviation over the network and the exchanged ones together, and
the smallest over k is the statistic: Westfall and Young, Resampling-Based Multiple Testing (1993),
max-T. A network's rank among exchanged ones then gives p, whatever k was looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint.errors import Unavailable
from modlint.numerics.cluster.comparison import interval
from modlint.numerics.graph.channels import Floats
from modlint.results.modules import ScanStep

DIGITS = 7
"""Of a sum; what differs less is rounding, which would else decide who is smaller."""

NO_SPREAD = 1e-6
"""Sums that differ by less are the same up to rounding."""

ALIKE = 6
"""Digits up to which effects are told apart."""

STANDS_OUT = 0.05
"""Quantile of the smallest sums of exchanged networks, up to which a k stands out."""


def spectral_sums(values: Floats, ks: Sequence[int]) -> Floats:
    """S_k for each k, of the leading eigenvalues in descending order."""
    sums: Floats = np.cumsum(1 - values)[np.asarray(ks) - 1]
    return sums


class Scan:
    """What comes of the sums of a network and its exchanged ones.

    Attributes:
        steps: for each k.
        varied: those whose sums have a spread.
        smallest: the statistic: of the network first, then of the exchanged ones.
    """

    def __init__(self, sums: Floats, ks: Sequence[int]) -> None:
        """Compare.

        Args:
            sums: (1 + exchanges, ks), those of the network first.
            ks: numbers of clusters.

        Raises:
            Unavailable: the sums have no spread.
        """
        sums = sums.round(DIGITS)
        deviation = sums.std(0)
        varied = deviation >= NO_SPREAD
        if not varied.any():
            raise Unavailable(
                "trading places changes nothing: the sums of exchanged networks have no spread"
            )
        scores = (sums - sums.mean(0)) / np.where(varied, deviation, np.inf)
        self.smallest = scores[:, varied].min(1)
        medians = np.median(sums[1:], 0)
        effects = np.divide(medians - sums[0], medians, out=np.zeros(len(ks)), where=medians > 0)
        self.steps = tuple(
            ScanStep(k, *map(float, numbers))
            for k, *numbers in zip(ks, sums[0], medians, scores[0], effects, strict=True)
        )

        self.varied = tuple(step for step, kept in zip(self.steps, varied, strict=True) if kept)

    @property
    def p_value(self) -> float:
        """The network's rank over the number of networks."""
        return (1 + self._as_small) / len(self.smallest)

    @property
    def p_interval(self) -> tuple[float, float]:
        """Of the chance of an exchanged network as small."""
        return interval(self._as_small, len(self.smallest) - 1)

    @property
    def best(self) -> ScanStep:
        """The step of k*; of several that nothing separates (parts side by side) the largest."""
        limit = np.quantile(self.smallest[1:], STANDS_OUT)
        outstanding = [step for step in self.varied if step.standardised <= limit]
        if not outstanding:
            return min(self.varied, key=lambda step: step.standardised)
        return max(outstanding, key=lambda step: (round(step.effect_size, ALIKE), step.clusters))

    @property
    def _as_small(self) -> int:
        return int((self.smallest[1:] <= self.smallest[0]).sum())
