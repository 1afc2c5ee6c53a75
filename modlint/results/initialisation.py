"""How far a tensor's elements are what an initialiser draws."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Initialiser = Literal["uniform", "normal", "truncated-normal"]


class Initialisation(Struct, frozen=True):
    """How well each kind of initialiser explains the elements.

    Attributes:
        elements: elements of the tensor that are not zero.
        sampled: how many of them were compared.
        largest: the largest magnitude.
        std: standard deviation about zero.
        p_values: by initialiser, the p-value of a Kolmogorov–Smirnov test of the magnitudes against
            its distribution; 0 where mean, spread or largest element already contradict it.
    """

    elements: int
    sampled: int
    largest: float
    std: float
    p_values: dict[Initialiser, float]
