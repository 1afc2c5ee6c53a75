"""Between which numbers a network's values lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Interval(Struct, frozen=True, eq=False):
    """Bounds of each channel of a value, (channels,) each; infinite where there is none.

    They hold for every input and every position, and in floating point too where that rounds no
    more than 1e-5 of what it adds up.
    """

    low: Floats
    high: Floats


class ReluUnits(Struct, frozen=True):
    """The units that one ReLU is applied to.

    Attributes:
        layer: name of the call whose output reaches it.
        neurons: of the layer's group, in the order of the ReLU's channels.
        bounded: how many have a finite upper bound.
        dead: neurons whose upper bound is not above zero, and which are not constant.
        highest: the largest of the dead ones' upper bounds; 0 without any.
    """

    layer: str
    neurons: int
    bounded: int
    dead: tuple[int, ...]
    highest: float
