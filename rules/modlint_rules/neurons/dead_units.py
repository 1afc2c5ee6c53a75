"""Which units of a hidden layer count as dead."""

from __future__ import annotations

from msgspec import Struct

from modlint.network import RELU_LIKE
from modlint.results.units import LayerUnits


class DeadUnits(Struct, frozen=True):
    """The dead units of a hidden layer.

    Attributes:
        indices: which ones, in ascending order.
        share: their share of the layer's units.
        certain: whether each is dead whatever the activation.
    """

    indices: tuple[int, ...]
    share: float
    certain: bool


def dead_units(units: LayerUnits) -> DeadUnits:
    """Units that nothing reads, and units that nothing drives.

    Behind a ReLU a unit that nothing drives is dead where its pre-activation is not positive;
    with a positive bias it serves as a bias. Behind any other activation, or an unknown one, it
    is constant: dead as far as the input goes, but its constant may be of use.
    """
    relu = units.activation in RELU_LIKE
    certain = {*units.silent, *units.off} if relu else {*units.silent}
    dead = certain if relu else certain.union(units.constant)
    return DeadUnits(tuple(sorted(dead)), len(dead) / units.total, len(certain) == len(dead))
