"""Low-rank updates of a weight: their spectrum without forming them, and the weight with them."""

from __future__ import annotations

import numpy as np

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array
from modlint.numerics.spectra.matrices import Floats, on_cpu


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
