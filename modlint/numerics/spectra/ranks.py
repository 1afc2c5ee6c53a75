"""Ranks of matrices: how many of their singular values are not zero as far as they are known.

Feng et al., Rank Diminishing in Deep Neural Networks, arXiv 2206.06072. The tolerance is the norm
of a random matrix of the elements' rounding errors: (√n + √m)·rms·precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.spectra.eigenvalues import count_below, eigenvalues
from modlint.numerics.spectra.matrices import Floats, Matrices, flattened
from modlint.results.spectra import Ranks

MOST_COLUMNS = 8192
"""Of a matrix whose rank is computed, along its shorter side."""
_EPSILON = 2.0**-52
_POINTS = 2000
_FAR, _ROUNDS = 30.0, 4
"""Times the root mean square from which on an element is left out of it, and how often."""


def ranks(values: Array, precision: float, distance: float) -> tuple[Ranks, ...]:
    """The rank of a weight as a matrix (first axis, all others); of a stack, of each item.

    What is one value throughout, beside zeros, has no rank that is worth a word.

    Args:
        values: of two axes or more.
        precision: step between numbers of its type near 1.
        distance: relative, of a matrix of lower rank that stands for it.

    Raises:
        Unavailable: it has no elements, too many columns, or not all are finite.
    """
    return tuple(_each(flattened(values), precision, distance))


def matrix_rank(matrix: Array, precision: float) -> Ranks:
    """The rank of a matrix without its dead rows and columns.

    Args:
        matrix: (rows, columns), finite and not zero throughout.
        precision: step between numbers of its type near 1.
    """
    return _ranks(_live(matrix), precision, 0.0, None)


def centred_rank(matrix: Array, precision: float) -> Ranks:
    """The rank of a matrix (rows, columns) whose rows have their mean taken off.

    Raises:
        Unavailable: it has too many columns, or not all elements are finite.
    """
    centred = np.asarray(matrix, np.float64)
    if not np.isfinite(centred).all():
        raise Unavailable("its elements are not all finite")
    rms = math.sqrt(float(np.mean(centred**2)))
    centred = centred - centred.mean(axis=0)
    if not centred.any():
        return _none(*centred.shape)
    return _ranks(centred, precision, 0.0, rms)


def _none(rows: int, columns: int) -> Ranks:
    """What is said of a matrix of equal rows."""
    full = min(rows, columns)
    return Ranks(
        rows=rows,
        columns=columns,
        full=full,
        rank=0,
        tolerance=0.0,
        chance=0.0,
        effective_rank=0.0,
        compressed=0,
    )


def _each(matrices: Matrices, precision: float, distance: float) -> Iterator[Ranks]:
    if matrices.shape[2] > MOST_COLUMNS:
        raise Unavailable(f"more than {MOST_COLUMNS:,} rows and columns: its rank takes long")
    for matrix in matrices.stack:
        live = _live(matrix)
        if live.size and not (live == live.flat[0]).all():
            yield _ranks(live, precision, distance, None)


def _live(matrix: Array) -> Array:
    """The matrix without rows and columns that are zero."""
    used = np.asarray(matrix != 0)
    rows, columns = used.any(axis=1), used.any(axis=0)
    if rows.all() and columns.all():
        return matrix
    live = matrix[rows][:, columns]
    return live if len(live) >= live.shape[1] else live.T


def _ranks(matrix: Array, precision: float, distance: float, rms: float | None) -> Ranks:
    tall = matrix if len(matrix) >= matrix.shape[1] else matrix.T
    one = Matrices(tall[None])
    found = eigenvalues(one, math.inf)
    own, total = found.values[0], float(found.values.sum())
    rows, columns = tall.shape
    rms = _typical(tall, math.sqrt(total / (rows * columns))) if rms is None else rms
    spread = math.sqrt(rows) + math.sqrt(columns)
    floor = rows * _EPSILON * math.sqrt(float(own[-1]))
    tolerance = max(precision * rms * spread, floor)
    below = count_below(tall, own, found.error, tolerance)
    return Ranks(
        rows=rows,
        columns=columns,
        full=columns - _centred(tall, tolerance),
        rank=columns - below,
        tolerance=tolerance,
        chance=columns * _share_below((tolerance / rms) ** 2 / rows, columns / rows),
        effective_rank=effective_rank(own),
        compressed=_compressed(own, distance),
    )


def _typical(matrix: Array, rms: float) -> float:
    """The root mean square without single elements that are far larger than the others."""
    sizes = np.abs(np.asarray(matrix, np.float64))
    for _ in range(_ROUNDS):
        kept = sizes[sizes <= _FAR * rms]
        if len(kept) == sizes.size or not kept.size:
            break
        rms = math.sqrt(float(np.mean(kept**2)))
    return rms


def _centred(matrix: Array, tolerance: float) -> int:
    """1 where sums along an axis are zero and so take a direction from the shorter side."""
    rows, columns = matrix.shape
    sums = [np.asarray(matrix, np.float64).sum(axis=1) / math.sqrt(columns)]
    if rows == columns:
        sums.append(np.asarray(matrix, np.float64).sum(axis=0) / math.sqrt(rows))
    return int(any(float(np.linalg.norm(each)) <= tolerance for each in sums))


def _share_below(x: float, ratio: float) -> float:
    """Of the eigenvalues of a random matrix, those below x, by the law of Marčenko and Pastur.

    Args:
        x: in units of the variance times the number of rows.
        ratio: columns over rows, at most 1.
    """
    low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2
    if x <= low:
        return 0.0
    # λ = s² takes the pole of square matrices away
    roots = np.linspace(math.sqrt(low), math.sqrt(min(x, high)), _POINTS)
    density = np.sqrt(np.maximum((high - roots**2) * (roots**2 - low), 0))
    density = density / (math.pi * ratio * np.maximum(roots, np.finfo(float).tiny))
    between = (density[1:] + density[:-1]) / 2 * np.diff(roots)
    return float(between.sum())


def effective_rank(own: Floats) -> float:
    """The exponential of the entropy of the singular values' shares (Roy and Vetterli 2007)."""
    roots = np.sqrt(own)
    shares = roots[roots > 0] / roots.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _compressed(own: Floats, distance: float) -> int:
    """Singular values to keep so that the squares of the others stay within the distance."""
    lost = np.cumsum(own) <= distance**2 * own.sum()
    return len(own) - int(lost.sum())
