"""How much of a network's flow comes of each of its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class InputFlow(Struct, frozen=True, eq=False):
    """The flow of one input.

    Attributes:
        name: the input's.
        shares: by channel, of the flow of all inputs: (channels,).
        certain: whether all that reads it is followed.
    """

    name: str
    shares: Floats
    certain: bool
