"""What is known of the units of each group of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from modlint.network import GroupRole, JoinKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class LayerUnits(Struct, frozen=True):
    """The units of one hidden group that can do nothing.

    Attributes:
        group: the group's name.
        layer: name of the layer that drives the group.
        total: number of units.
        silent: units whose out-weights are all zero, over all layers that read the group; none
            where something besides layers reads it too.
        constant: units whose in-weights are all zero: their output never changes. In a product,
            units of which one factor is zero, or all factors are constant.
        off: those of `constant` whose pre-activation, the folded norms' shift included, is not
            positive. In a product, those of which one factor is known to be zero behind its
            activation.
        activation: the group's activation, None where unknown or where its drivers differ.
        join: how a unit's value comes from its drivers.
    """

    group: str
    layer: str
    total: int
    silent: tuple[int, ...]
    constant: tuple[int, ...]
    off: tuple[int, ...]
    activation: str | None
    join: JoinKind = "sum"


class GroupScale(Struct, frozen=True):
    """The scales of one hidden group.

    Attributes:
        group: the group's name.
        layer: name of the layer that drives the group.
        units: number of units that carry something, by weights both in and out.
        spread: standard deviation (ddof 0) over them of ln(L1 of weights in / L1 of weights out).
        offset: its mean, less what it is where weights of a layer are 1/√(weights into a unit).
    """

    group: str
    layer: str
    units: int
    spread: float
    offset: float


class Flows(Struct, frozen=True, eq=False):
    """The flow through a network.

    Attributes:
        units: by group, φ over the group's mean: (size,) float64. Neurons whose flow ends before
            the output (queries, keys, what is exposed) and the others have a mean each. Zeros
            where no path from input to output leads through the group; groups that no layer
            touches are left out.
        forward: by layer, F of what its columns read: (columns,) float64.
        backward: by layer, B of what its rows drive: (rows,) float64.

    F and B are exact up to a factor for each layer, by which the largest is 1.
    """

    units: dict[str, Floats]
    forward: dict[str, Floats]
    backward: dict[str, Floats]


class GroupFlow(Struct, frozen=True):
    """The units of one hidden group that carry nothing.

    Attributes:
        group: the group's name.
        layer: name of the layer that drives the group.
        total: number of units.
        negligible: units whose flow is below the threshold, but for `unconnected` ones.
        unconnected: units whose weights in, or whose weights out, are all exactly zero.
        smallest: the least flow of a connected unit over the group's mean, None without any.
    """

    group: str
    layer: str
    total: int
    negligible: tuple[int, ...]
    unconnected: tuple[int, ...]
    smallest: float | None


class FlowShare(Struct, frozen=True):
    """How the flow of one hidden group spreads over its units.

    Attributes:
        group: the group's name.
        layer: name of the layer that drives the group.
        total: number of units that are compared with one another.
        connected: how many of them have weights in and out.
        unit: the one with the most flow.
        largest: its share of their flow.
        participation: (Σφ)² / Σφ² over the connected ones, and over their number: 1 where all
            carry alike, 1 / `connected` where one carries everything.
    """

    group: str
    layer: str
    total: int
    connected: int
    unit: int
    largest: float
    participation: float


class BlockFlow(Struct, frozen=True):
    """What is left of a network's flow without one of its blocks.

    Attributes:
        block: its name.
        share: of the flow that reaches the output with it.
        keeps_width: whether it gives as many channels as it takes, so that its input could be
            added to its output.
    """

    block: str
    share: float
    keeps_width: bool


class NormScales(Struct, frozen=True):
    """The channels that a norm leaves next to nothing of.

    Attributes:
        tensor: name of the norm's scale γ.
        total: number of channels.
        zero: how many γ are exactly zero.
        faint: channels whose abs γ is small beside the others'.
        shut: channels that a shift keeps below zero in front of a ReLU, but for `faint` ones.
    """

    tensor: str
    total: int
    zero: int
    faint: tuple[int, ...]
    shut: tuple[int, ...]


class SignalPath(Struct, frozen=True):
    """Whether the input of a network reaches its output.

    Attributes:
        outputs: channels of its outputs.
        reached: how many of them the input may change.
        stops: names of the layers that the input reaches and does not leave.
        zero: names of the layers whose weights are all zero, embeddings left out.
        heads: those of `zero` that make outputs.
    """

    outputs: int
    reached: int
    stops: tuple[str, ...]
    zero: tuple[str, ...]
    heads: tuple[str, ...]


class Carriers(Struct, frozen=True, eq=False):
    """Which neurons carry something.

    Attributes:
        units: by group, (size,) bool.
        dropped: by role of the group, how many neurons carry nothing.
    """

    units: dict[str, NDArray[np.bool_]]
    dropped: dict[GroupRole, int]
