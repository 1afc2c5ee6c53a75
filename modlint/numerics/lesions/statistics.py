"""What lesions are judged by, and how their chances are combined.

Importance and selectivity: Hod et al., arXiv 2110.08058, section 3, as the authors' code computes
them (github.com/dfilan/clusterability_in_neural_networks, `src/lesion`), but for what `selectivity`
and `Rank` say.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, log

import numpy as np
from msgspec import Struct

from modlint.numerics.graph.channels import Floats, Ints


class Rank(Struct, frozen=True):
    """Where an observed value lies among those of random groups; high is extreme.

    Attributes:
        above: random groups with a higher value.
        alike: those with the same one.
        groups: how many there are, N.
    """

    above: int
    alike: int
    groups: int

    @classmethod
    def of(cls, observed: float, null: Sequence[float]) -> Rank:
        """Count."""
        above, alike = sum(v > observed for v in null), sum(v == observed for v in null)
        return cls(above, alike, len(null))

    @property
    def p_value(self) -> float:
        """(1 + #{as high})/(N + 1); the authors leave out those that are alike."""
        return (1 + self.above + self.alike) / (self.groups + 1)

    @property
    def mid_p(self) -> float:
        """(#{higher} + ½(1 + #{alike}))/(N + 1): its mean is ½ without an effect, ties or not."""
        return (self.above + (1 + self.alike) / 2) / (self.groups + 1)


def fisher(mid_ps: Sequence[float]) -> float:
    """Fisher's combination, P(χ²(2m) ≥ −2 Σ ln p), of m mid-p-values.

    Of mid-p-values it errs to the safe side: Rubin-Delanchy, Heard & Lawson, Meta-analysis of
    mid-p-values, JASA 114 (2019). It takes them for independent.
    """
    from scipy.special import gammaincc

    return float(gammaincc(len(mid_ps), -fsum(map(log, mid_ps))))


def right_answers(predicted: Ints, labels: Ints, classes: int) -> Ints:
    """How many samples of each class are classified rightly: (classes,).

    Args:
        predicted: (samples,) classes.
        labels: (samples,) the right ones, from 0.
        classes: how many there are.
    """
    return np.bincount(labels[predicted == labels], minlength=classes)


def selectivity(changes: Floats) -> float:
    """How unevenly classes change: (max − min)/mean |change|, 0 where none does.

    The authors divide by the absolute mean change. That is the same where all classes lose, and
    without bound where what some lose others gain.

    Args:
        changes: (classes,) of accuracy, NaN of classes that are not looked at.
    """
    known = changes[~np.isnan(changes)]
    scale = np.abs(known).mean()
    return float(np.ptp(known) / scale) if scale else 0.0
