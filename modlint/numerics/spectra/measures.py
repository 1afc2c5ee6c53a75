"""What WeightWatcher measures of a spectrum, by its definitions (arXiv 1810.01075, 2002.06716)."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.spectra.eigenvalues import (
    LARGEST,
    Eigenvalues,
    count_below,
    eigenvalues,
)
from modlint.numerics.spectra.kernels import kernel_periods
from modlint.numerics.spectra.marchenko_pastur import bulk
from modlint.numerics.spectra.matrices import Floats, Matrices, slices_of, squares
from modlint.numerics.spectra.power_law import SMALL, power_law
from modlint.numerics.spectra.ranks import effective_rank
from modlint.results.spectra import Shuffled, Spectrum

_CONVOLUTION = 0.5
"""What WeightWatcher multiplies the eigenvalues of a two-dimensional convolution by."""
_FEW = 100
_EPSILON = 2.0**-52
"""Eigenvalues below which several shuffles are pooled."""
_SHUFFLES = 5


class Wanted(Struct, frozen=True):
    """What is computed beyond the power law and the norms.

    Attributes:
        bulk: the Marchenko–Pastur law.
        shuffles: the spectrum of shuffled elements.
        exact: all eigenvalues, whatever the size.
        seed: of the shuffles.
    """

    bulk: bool = True
    shuffles: bool = False
    exact: bool = False
    seed: int = 0


def spectrum(values: Array, precision: float, wanted: Wanted) -> Spectrum:
    """Measure a weight.

    Args:
        values: of two axes or more.
        precision: step between numbers of its type near 1.
        wanted: what to compute.

    Raises:
        Unavailable: it has no spectrum: no elements, all zero, or not all finite.
    """
    matrices = slices_of(values)
    factor = _CONVOLUTION if len(matrices.kernel) == 2 else 1.0
    found = eigenvalues(matrices, math.inf if wanted.exact else LARGEST)
    total = float(found.values.sum()) if found.method == "gram" else squares(matrices)
    if not total:
        raise Unavailable("all its elements are zero")
    kept = np.sort(found.values, axis=None) * factor
    measured = _measured(kept, total * factor, matrices, found)
    if len(matrices.kernel) == 1:
        measured = replace(measured, kernels=kernel_periods(values))
    if found.method != "gram":
        return measured
    return replace(
        measured,
        rank=_rank(matrices, found, total, precision),
        effective_rank=effective_rank(kept),
        bulk=bulk(kept, *matrices.shape[1:]) if wanted.bulk else None,
        shuffled=_shuffled(matrices, factor, wanted.seed) if wanted.shuffles else None,
    )


def _measured(kept: Floats, total: float, matrices: Matrices, found: Eigenvalues) -> Spectrum:
    count, rows, columns = matrices.shape
    whole = found.method == "gram" or len(kept) >= SMALL
    law, largest = power_law(kept) if whole else None, float(kept[-1])
    log_largest = math.log10(largest)
    return Spectrum(
        rows=rows,
        columns=columns,
        slices=count,
        eigenvalues=len(kept),
        method=found.method,
        error=found.error,
        law=law,
        norm=total,
        spectral_norm=largest,
        log_norm=math.log10(total),
        log_spectral_norm=log_largest,
        alpha_weighted=None if law is None else law.alpha * log_largest,
        log_alpha_norm=None if law is None else _log_alpha_norm(kept, law.alpha),
        stable_rank=total / largest,
        effective_rank=None,
        rank=None,
    )


def _log_alpha_norm(kept: Floats, alpha: float) -> float:
    largest = float(kept[-1])
    return alpha * math.log10(largest) + math.log10(float(((kept / largest) ** alpha).sum()))


def _rank(matrices: Matrices, found: Eigenvalues, total: float, precision: float) -> int:
    """Singular values above the precision of the elements, over all matrices."""
    count, rows, columns = matrices.shape
    rms = math.sqrt(total / (count * rows * columns))
    tolerance = precision * rms * (math.sqrt(rows) + math.sqrt(columns))
    tolerance = max(tolerance, rows * _EPSILON * math.sqrt(float(found.values.max())))
    zero = sum(
        count_below(matrix, own, found.error, tolerance)
        for matrix, own in zip(matrices.stack, found.values, strict=True)
    )
    return count * columns - zero


def _shuffled(matrices: Matrices, factor: float, seed: int) -> Shuffled | None:
    """The bulk of the same elements in a random order, and what lies above it."""
    count, rows, columns = matrices.shape
    generator = np.random.default_rng(seed)
    repeats = _SHUFFLES if count * columns < _FEW else 1
    found = [_one_shuffle(matrix, generator) for _ in range(repeats) for matrix in matrices.stack]
    kept = np.sort(np.concatenate(found)) * factor
    law = bulk(kept, rows, columns)
    return None if law is None else Shuffled(law.spikes, float(kept[-1]))


def _one_shuffle(matrix: Array, generator: np.random.Generator) -> Floats:
    elements = matrix.reshape(-1).copy()
    generator.shuffle(elements)
    one = Matrices(elements.reshape(1, *matrix.shape))
    found: Floats = eigenvalues(one, math.inf).values[0]
    return found
