"""Low-rank updates of a weight: their spectrum without forming them, and the weight with them."""

from __future__ import annotations

import math

import numpy as np

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.spectra.matrices import Floats, on_cpu
from modlint.results.spectra import Update

_MOST = 1 << 22
"""Elements of a product of which the kurtosis is taken, in rows that are spread evenly."""


def core(down: Array, up: Array, scale: float) -> Floats:
    """A square matrix (r, r) with the singular values of scale · B A.

    Args:
        down: A, (r, …).
        up: B, (out, r, …) with nothing but ones behind.
        scale: of the product.

    Raises:
        Unavailable: the factors make no product, or are not finite.
    """
    a, b = _factors(down, up)
    left, right = (np.asarray(np.linalg.qr(factor, mode="r")) for factor in (b, a.T))
    return np.asarray(scale * (left @ right.T))


def update(down: Array, up: Array, scale: float) -> Update:
    """The five statistics of scale · B A.

    Raises:
        Unavailable: the factors make no product, are not finite, or are zero.
    """
    singular = np.linalg.svd(core(down, up, scale), compute_uv=False)
    total = float((singular**2).sum())
    if not total:
        raise Unavailable("all its elements are zero")
    shares = singular**2 / total
    some = shares[shares > 0]
    return Update(
        leading=float(singular[0]),
        frobenius=math.sqrt(total),
        concentration=float(shares[0]),
        entropy=float(-(some * np.log(some)).sum()),
        kurtosis=_kurtosis(down, up),
    )


def _kurtosis(down: Array, up: Array) -> float | None:
    a, b = _factors(down, up)
    step = -(-len(b) * a.shape[1] // _MOST)
    elements = b[::step] @ a
    elements -= elements.mean()
    largest = float(np.abs(elements).max())
    if not largest or not math.isfinite(largest):
        return None
    squares = (elements / largest) ** 2
    return float((squares**2).mean() / squares.mean() ** 2)


def merged(weight: Array, down: Array, up: Array, scale: float) -> Floats:
    """W + scale · B A in float64, in the weight's shape; W may be stored transposed.

    Raises:
        Unavailable: the shapes do not fit, or the factors are not finite.
    """
    a, b = _factors(down, up)
    whole = np.array(on_cpu(weight), np.float64)
    sizes, rows = (len(b), a.shape[1]), len(whole)
    if sizes == (rows, whole.size // rows):
        return whole + scale * (b @ a).reshape(whole.shape)
    if whole.ndim == 2 and sizes == whole.shape[::-1]:
        return whole + scale * (b @ a).T
    raise Unavailable(f"adapts a weight of {sizes}, the base has {whole.shape}")


def difference(new: Array, old: Array) -> Floats:
    """The change of a weight, in float64.

    Raises:
        Unavailable: the shapes differ.
    """
    if new.shape != old.shape:
        raise Unavailable(f"of shape {tuple(new.shape)}, in the base {tuple(old.shape)}")
    return np.asarray(on_cpu(new), np.float64) - np.asarray(on_cpu(old), np.float64)


def _factors(down: Array, up: Array) -> tuple[Floats, Floats]:
    if min(down.ndim, up.ndim) < 2 or not down.size or not up.size:
        raise Unavailable("its factors make no product")
    a = np.asarray(on_cpu(down), np.float64).reshape(len(down), -1)
    b = np.asarray(on_cpu(up), np.float64).reshape(len(up), -1)
    if len(a) != b.shape[1]:
        raise Unavailable(f"factors of shapes {tuple(down.shape)} and {tuple(up.shape)} differ")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Unavailable("its factors are not all finite")
    return a, b
