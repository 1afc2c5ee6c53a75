"""The spectrum of a layer's weight, and what is measured of it."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

_RARE = 1e-4
Method = Literal["gram", "lanczos"]
"""How eigenvalues were computed: all of them, or the largest ones alone."""


class PowerLaw(Struct, frozen=True):
    """A continuous power law p(λ) ∝ λ^−α, fitted to the eigenvalues from `xmin` on.

    Attributes:
        alpha: the exponent.
        distance: Kolmogorov–Smirnov distance D of the fit.
        xmin: eigenvalue from which on it is fitted: the one with the least distance.
        sigma: standard error of α.
        spikes: eigenvalues from `xmin` on.
    """

    alpha: float
    distance: float
    xmin: float
    sigma: float
    spikes: int


class Bulk(Struct, frozen=True):
    """The Marchenko–Pastur law that fits the bulk of the eigenvalues best.

    Attributes:
        sigma: its scale, of eigenvalues with mean 1.
        lower: its lower edge, in units of the eigenvalues.
        upper: its upper edge, likewise.
        spikes: eigenvalues above the upper edge and the fluctuation of the largest.
        soft_rank: upper edge over the largest eigenvalue.
    """

    sigma: float
    lower: float
    upper: float
    spikes: int
    soft_rank: float


class Shuffled(Struct, frozen=True):
    """The same weight with its elements shuffled.

    Attributes:
        traps: eigenvalues of the shuffled weight above its own bulk: single elements that are
            unlike the others make them.
        largest: largest eigenvalue of the shuffled weight.
    """

    traps: int
    largest: float


class Kernels(Struct, frozen=True):
    """Which periods the kernels of a one-dimensional convolution answer to.

    Attributes:
        length: positions of a kernel.
        period: at which the mean power of all kernels is largest, in positions.
        share: of the power, without that of the mean, at that period.
        flatness: geometric mean of the power over its arithmetic mean: 1 of white noise.
    """

    length: int
    period: float
    share: float
    flatness: float


class Update(Struct, frozen=True):
    """Five statistics of a low-rank update ΔW, of which arXiv 2602.15195 makes a signature.

    Comparable among adapters of one base, one rank and the same targets.

    Attributes:
        leading: largest singular value.
        frobenius: Frobenius norm.
        concentration: share of the squared singular values that is the largest's.
        entropy: of these shares, in nats.
        kurtosis: of the elements, 3 of normal ones; None where all are alike.
    """

    leading: float
    frobenius: float
    concentration: float
    entropy: float
    kurtosis: float | None


class Spectrum(Struct, frozen=True, kw_only=True):
    """What is measured of the eigenvalues λ = σ² of a weight's correlation matrices WᵀW.

    Attributes:
        rows: longer side of each matrix, N.
        columns: shorter side, M.
        slices: matrices whose eigenvalues are taken together: kernel positions, experts.
        eigenvalues: number of eigenvalues that were computed.
        method: how.
        error: bound of what the eigenvalues are off by, over the largest.
        law: the power law, None where too few eigenvalues are left to fit one.
        norm: sum of all eigenvalues, the squared Frobenius norm.
        spectral_norm: the largest eigenvalue, the squared largest singular value.
        log_norm: log10 of `norm`.
        log_spectral_norm: log10 of `spectral_norm`.
        alpha_weighted: α · log10 of the largest eigenvalue.
        log_alpha_norm: log10 of Σ λ^α.
        stable_rank: sum of the eigenvalues over the largest.
        effective_rank: exponential of the entropy of the singular values' shares.
        rank: singular values that are not zero in the element type's precision.
        bulk: None where it was not asked for, or does not fit.
        shuffled: None where it was not asked for.
        kernels: None of what is no one-dimensional convolution.
        update: None of what is no product of low-rank factors.
    """

    rows: int
    columns: int
    slices: int
    eigenvalues: int
    method: Method
    error: float
    law: PowerLaw | None
    norm: float
    spectral_norm: float
    log_norm: float
    log_spectral_norm: float
    alpha_weighted: float | None
    log_alpha_norm: float | None
    stable_rank: float
    effective_rank: float | None
    rank: int | None
    bulk: Bulk | None = None
    shuffled: Shuffled | None = None
    kernels: Kernels | None = None
    update: Update | None = None


class Ranks(Struct, frozen=True, kw_only=True):
    """How many directions a matrix has, its dead rows and columns left out.

    Attributes:
        rows: rows that are not zero.
        columns: columns that are not zero.
        full: the smaller of both, less one for each axis along which the elements sum to zero.
        rank: singular values above the tolerance.
        tolerance: precision of the elements · rms · (√rows + √columns).
        chance: singular values up to the tolerance that independent elements would have.
        effective_rank: exponential of the entropy of the singular values' shares.
        compressed: least rank of a matrix within a relative distance of this one.
    """

    rows: int
    columns: int
    full: int
    rank: int
    tolerance: float
    chance: float
    effective_rank: float
    compressed: int

    @property
    def missing(self) -> int:
        """Directions that it lacks."""
        return max(0, self.full - self.rank)

    @property
    def by_chance(self) -> bool:
        """Whether independent elements of that precision could lack as many."""
        return self.missing <= most_by_chance(self.chance)


def most_by_chance(expected: float) -> float:
    """Singular values that may be lost by chance where so many are expected to be.

    Four standard deviations, and one more where a single one is no rarity.
    """
    return expected + 4 * math.sqrt(expected) + (expected > _RARE)


class Recurrence(Struct, frozen=True):
    """The matrices by which a recurrent layer carries its state on.

    Attributes:
        size: units of the state.
        radii: spectral radius of each gate's matrix; of a plain layer there is one.
    """

    size: int
    radii: tuple[float, ...]


class LayerBound(Struct, frozen=True):
    """By how much a layer stretches at most, its norm folded in.

    Attributes:
        name: of the call.
        bound: upper bound of its largest singular value.
    """

    name: str
    bound: float


class Lipschitz(Struct, frozen=True):
    """By how much a network stretches at most, as far as its weights tell.

    Attributes:
        log_bound: log10 of the bound.
        layers: the bounds of its layers, in topological order.
        assumed: whether an activation, or what is computed of all channels, is not known, and taken
            to stretch nothing.
    """

    log_bound: float
    layers: tuple[LayerBound, ...]
    assumed: bool


StructureKind = Literal["toeplitz", "circulant", "low-rank", "block-diagonal", "repeated-blocks"]


class Structure(Struct, frozen=True):
    """How a weight could be stored with fewer elements.

    Attributes:
        kind: the structure.
        distance: ‖W − W'‖ / ‖W‖ of what is rebuilt from the elements that are kept.
        kept: elements that are kept.
        elements: elements of the weight.
        detail: its rank, or its number of blocks; of Toeplitz matrices that of diagonals.
    """

    kind: StructureKind
    distance: float
    kept: int
    elements: int
    detail: int
