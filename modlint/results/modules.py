"""Whether units group beyond their strengths."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MAX_P = 0.05
"""p-value up to which there are modules."""

MIN_EFFECT = 0.01
"""Share of the spectral sum below which they are weak."""

Modularity = Literal["modules", "weak", "none"]
"""What a test finds."""


class ScanStep(Struct, frozen=True):
    """The spectral sum for one number of clusters, beside those of exchanged networks.

    Attributes:
        clusters: k.
        spectral_sum: S_k of the network, balanced.
        median: of the exchanged networks' S_k.
        standardised: (S_k − mean)/deviation, both over the network and the exchanged ones together.
        effect_size: (median − S_k)/median, zero where the median is.
    """

    clusters: int
    spectral_sum: float
    median: float
    standardised: float
    effect_size: float


class ModuleTest(Struct, frozen=True):
    """The test of modules beyond unit strengths.

    Attributes:
        p_value: (1 + #{exchanged networks whose smallest standardised S_k is as small})/(N + 1).
        p_interval: 95 % Clopper-Pearson interval of what it would be with endless exchanges.
        clusters: k*, the number of clusters of the largest effect that stands out, else that of
            the smallest standardised sum.
        effect_size: for k*.
        scan: for each k, ascending.
        smallest: the network's smallest standardised sum: the statistic.
        null_samples: the same of each exchanged network.
        neurons: in the network, inputs and outputs included.
        unconnected: neurons without weights, left out.
        negligible: neurons of negligible flow or strength, left out.
        exchangeable: hidden units that may trade places.
        layers: where p is small, by layer, its part of the effect for k*: how much more of the
            leading eigenvectors it joins than in exchanged networks; the parts add up to (mean −
            S_k)/median over those networks that were looked at. Layers between the same two groups
            have one part.
    """

    p_value: float
    p_interval: tuple[float, float]
    clusters: int
    effect_size: float
    scan: tuple[ScanStep, ...]
    smallest: float
    null_samples: tuple[float, ...]
    neurons: int
    unconnected: int
    negligible: int
    exchangeable: int
    layers: dict[str, float]

    def found(self, max_p: float = MAX_P, min_effect: float = MIN_EFFECT) -> Modularity:
        """What the test finds by these limits."""
        if self.p_value > max_p:
            return "none"
        return "modules" if self.effect_size >= min_effect else "weak"
