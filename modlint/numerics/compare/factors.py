"""The product of two low-rank factors, without forming it."""

from __future__ import annotations

import math

import numpy as np

from modlint.numerics.compare.blocks import BLOCK, Numbers, flat


def product_norm(a: Numbers, b: Numbers) -> float:
    """‖B A‖ of factors A (r, …) and B (…, r): √tr((BᵀB)(AAᵀ))."""
    down = flat(a, double=True).reshape(a.shape[0], -1)
    up = flat(b, double=True).reshape(b.shape[0], -1)
    with np.errstate(all="ignore"):
        return math.sqrt(max(float(((up.T @ up) * (down @ down.T)).sum()), 0.0))


def norm(values: Numbers) -> float:
    """‖W‖, block by block."""
    total, step = 0.0, max(1, BLOCK // max(1, values[:1].size)) if values.ndim else 1
    for start in range(0, len(values) if values.ndim else 1, step):
        block = flat(values[start : start + step] if values.ndim else values, double=True)
        with np.errstate(all="ignore"):
            total += float(block.dot(block))
    return math.sqrt(total) if total >= 0 else math.nan
