"""Vectors whose common factor leaves the range of float64."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from msgspec import Struct

from modlint.numerics.tensor.product import product


class Scaled(Struct, frozen=True, eq=False):
    """A vector without negative entries: `values`, of which the largest is 1, times exp(log).

    Zero is zeros with a `log` of −∞.
    """

    values: torch.Tensor
    log: float = 0.0

    @classmethod
    def of(cls, values: torch.Tensor, log: float = 0.0) -> Scaled:
        """`values` times exp(log)."""
        top = float(values.max()) if values.numel() else 0.0
        return cls(values / top, log + math.log(top)) if top else cls(values, -math.inf)

    def through(self, weights: torch.Tensor) -> Scaled:
        """Multiplied by a matrix without negative entries, from the left."""
        return Scaled.of(product(weights, self.values), self.log)

    def times(self, other: Scaled) -> Scaled:
        """Multiplied entry by entry."""
        return Scaled.of(self.values * other.values, self.log + other.log)


def total(parts: Iterable[Scaled], zero: torch.Tensor) -> Scaled:
    """The sum of vectors of one size, `zero` where there is none."""
    present = [part for part in parts if part.log > -math.inf]
    if not present:
        return Scaled(zero, -math.inf)
    log = max(part.log for part in present)
    return Scaled.of(zero + sum(part.values * math.exp(part.log - log) for part in present), log)
