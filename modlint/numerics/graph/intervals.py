"""Interval arithmetic on channels: what an operation makes of bounds.

Gowal et al., On the Effectiveness of Interval Bound Propagation, arXiv 1810.12715, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from modlint.network import FIXED, Join, Norm
from modlint.numerics.graph.channels import Floats
from modlint.results.intervals import Interval

_SLACK = 1e-5
"""Share of the magnitudes that are added up by which bounds are moved outwards."""
_BELOW = {"gelu": 0.18, "silu": 0.28, "mish": 0.31, "hardswish": 0.38}
"""How far below zero an activation of this kind goes, rounded up."""
_WITHIN = {
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "erf": (-1.0, 1.0),
    "sqrt": (0.0, math.inf),
    "exp": (0.0, math.inf),
    "softplus": (0.0, math.inf),
}
_FACES = ("elu", "celu", "leakyrelu", "prelu")
"""What passes numbers above zero, and makes something of those below."""


def unknown(size: int) -> Interval:
    """Any numbers."""
    return Interval(np.full(size, -np.inf), np.full(size, np.inf))


def hull(one: Interval, other: Interval) -> Interval:
    """What lies in either."""
    return Interval(np.minimum(one.low, other.low), np.maximum(one.high, other.high))


def with_zero(x: Interval) -> Interval:
    """What lies in it, or is zero: what a convolution reads beside its image."""
    return Interval(np.minimum(x.low, 0), np.maximum(x.high, 0))


def activated(name: str, x: Interval) -> Interval:
    """Behind an activation; any numbers behind one of which no bound is known."""
    if name == "identity":
        return x
    if name in ("relu", "relu6"):
        top = 6.0 if name == "relu6" else np.inf
        return Interval(np.clip(x.low, 0, top), np.clip(x.high, 0, top))
    if name == "clip-at-zero":
        return Interval(np.zeros_like(x.low), np.maximum(x.high, 0))
    if name in _BELOW:
        below = np.where(x.low < 0, np.maximum(x.low, -_BELOW[name]), 0.0)
        return Interval(below, np.maximum(x.high, 0))
    if name in _FACES:
        return Interval(np.where(x.low < 0, -np.inf, x.low), _face(name, x))
    if name in _WITHIN:
        low, high = _WITHIN[name]
        return Interval(np.full_like(x.low, low), np.full_like(x.high, high))
    return unknown(len(x.low))


def _face(name: str, x: Interval) -> Floats:
    """Upper bounds: slopes below zero may be negative, but for those of exponentials."""
    if name in ("elu", "celu"):
        return np.maximum(x.high, 0)
    return np.where(x.low < 0, np.inf, x.high)


def normed(norm: Norm, x: Interval, parts: tuple[Floats, Floats, Floats], width: int) -> Interval:
    """Behind a norm, given factor, shift and mean by channel, and how many elements it norms.

    Of n numbers with mean 0 and variance 1, or with a root mean square of 1, none is beyond √n.
    """
    factor, shift, mean = parts
    if norm.kind in FIXED:
        moved = Interval(x.low - mean, x.high - mean)
        return _shifted(_scaled(moved, factor), shift)
    if norm.kind in ("layer", "rms"):
        reach = np.full(len(factor), math.sqrt(width))
        return _shifted(_scaled(Interval(-reach, reach), factor), shift)
    return _shifted(_scaled(unknown(len(factor)), factor), shift)


def _scaled(x: Interval, factor: Floats) -> Interval:
    ends = [np.where(factor == 0, 0.0, end * factor) for end in (x.low, x.high)]
    return Interval(np.minimum(*ends), np.maximum(*ends))


def _shifted(x: Interval, shift: Floats) -> Interval:
    return _added(x, Interval(shift, shift))


def joined(join: Join, operands: Sequence[Interval]) -> Interval:
    """What operands give together."""
    if join.kind not in ("sum", "product") or not operands:
        return unknown(len(operands[0].low) if operands else 0)
    return reduce(_added if join.kind == "sum" else _multiplied, operands)


def _added(one: Interval, other: Interval) -> Interval:
    room = [
        _SLACK * (_finite(abs(a)) + _finite(abs(b)))
        for a, b in ((one.low, other.low), (one.high, other.high))
    ]
    return Interval(one.low + other.low - room[0], one.high + other.high + room[1])


def _multiplied(one: Interval, other: Interval) -> Interval:
    ends = [_times(a, b) for a in (one.low, one.high) for b in (other.low, other.high)]
    return Interval(reduce(np.minimum, ends), reduce(np.maximum, ends))


def _times(a: Floats, b: Floats) -> Floats:
    """Products in which zero times infinity is zero."""
    found: Floats = np.where((a == 0) | (b == 0), 0.0, a * b)
    return found


def _finite(values: Floats) -> Floats:
    found: Floats = np.where(np.isfinite(values), values, 0.0)
    return found


def called(weight: Floats, x: Interval, bias: Floats) -> Interval:
    """Behind a weight, (rows, columns, positions), each of whose entries reads any number of x."""
    positive, negative = np.maximum(weight, 0).sum(2), np.maximum(-weight, 0).sum(2)
    low, below = _bound(positive, negative, (x.low, x.high), -np.inf)
    high, above = _bound(positive, negative, (x.high, x.low), np.inf)
    size = abs(bias)
    return Interval(low + bias - _SLACK * (below + size), high + bias + _SLACK * (above + size))


def _bound(
    positive: Floats, negative: Floats, ends: tuple[Floats, Floats], beyond: float
) -> tuple[Floats, Floats]:
    """W⁺a − W⁻b, or `beyond` where that is infinite, and the magnitudes that it adds up."""
    a, b = (_finite(end) for end in ends)
    infinite = [(~np.isfinite(end)).astype(np.float64) for end in ends]
    without = positive @ infinite[0] + negative @ infinite[1]
    sizes = positive @ abs(a) + negative @ abs(b)
    return np.where(without > 0, beyond, positive @ a - negative @ b), sizes
