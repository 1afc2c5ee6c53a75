"""What each channel gives whatever the input: nothing certain, or a constant.

A unit all of whose producers are constant is constant. Zeros are exact, those of the weights as
they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from modlint.network import FIXED, RELU_LIKE, ZERO_AT_ZERO, Activation, Join, Norm
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, Ints, Read

Operand = tuple[Read, ...]


class State(Struct, frozen=True, eq=False):
    """Channels, (channels,) each.

    Attributes:
        varies: where the input may change it.
        value: what it is where it does not vary, NaN where that is not known.
        maybe: where it is zero if an activation that the file does not tell makes zero of zero,
            as most do and a sigmoid does not.
    """

    varies: Mask
    value: Floats
    maybe: Mask

    @classmethod
    def of(cls, size: int, *, varies: bool, value: float = np.nan) -> State:
        """Channels that are all alike."""
        return cls(np.full(size, varies), np.full(size, value), np.full(size, False))

    @property
    def is_zero(self) -> Mask:
        """Where it is certainly zero."""
        zero: Mask = ~self.varies & (self.value == 0)
        return zero

    def taken(self, channels: Ints) -> State:
        """Some channels, in an order."""
        return State(self.varies[channels], self.value[channels], self.maybe[channels])


def read_as_one(reads: Sequence[Read], states: Mapping[str, State], size: int) -> State:
    """What an operation reads that reads one channel for each of its own."""
    found = State.of(size, varies=True)
    for read in reads:
        part = states[read.value].taken(read.channels)
        found.varies[read.columns] = part.varies
        found.value[read.columns] = part.value
        found.maybe[read.columns] = part.maybe
    return found


def activated(op: Activation, read: State) -> State:
    """Behind an activation."""
    value = np.full(len(read.value), np.nan)
    if op.name == "identity":
        return read
    if op.name in RELU_LIKE:
        value = np.where(read.value <= 0, 0.0, np.nan)
    if op.name in ZERO_AT_ZERO:
        value[read.value == 0] = 0.0
    maybe = read.maybe & (op.name in ZERO_AT_ZERO | RELU_LIKE | {"unknown"})
    if op.name == "unknown":
        maybe = maybe | (read.value == 0)
    return State(read.varies, value, maybe & ~read.varies)


def normed(norm: Norm, read: State, parts: tuple[Floats, Floats, Floats]) -> State:
    """Behind a norm, given its factor, its shift and its mean by channel.

    Statistics of the data change what is constant where something beside it varies, but for zeros
    that only a root mean square scales.
    """
    factor, shift, mean = parts
    off = factor == 0
    if norm.kind in FIXED and (norm.kind != "batch" or norm.variance is not None):
        value = (read.value - mean) * factor + shift
        return State(read.varies & ~off, np.where(off, shift, value), np.full(len(off), False))
    zero = read.is_zero if norm.kind == "rms" else np.full(len(off), False)
    known = off | zero
    varies = ~known & read.varies.any()
    return State(varies, np.where(known, shift, np.nan), np.full(len(off), False))


def joined(join: Join, operands: Sequence[State]) -> State:
    """What operands give together."""
    varies = np.logical_or.reduce([one.varies for one in operands])
    zeros = [one.is_zero for one in operands]
    values = [one.value for one in operands]
    maybe = [one.maybe for one in operands]
    if join.kind == "sum":
        nothing = np.logical_and.reduce([z | m for z, m in zip(zeros, maybe, strict=True)])
        value = np.add.reduce(values)
        return State(varies, value, nothing & np.logical_or.reduce(maybe))
    if join.kind == "product":
        zero = np.logical_or.reduce(zeros)
        perhaps = np.logical_or.reduce(maybe) & ~zero
        value = np.where(zero, 0.0, np.multiply.reduce(values))
        return State(varies & ~zero & ~perhaps, value, perhaps)
    return State.of(len(varies), varies=True)


def of_all(reads: Sequence[Read], states: Mapping[str, State], size: int) -> State:
    """A statistic of all channels that go into each."""
    varies, other = np.full(size, False), np.full(size, False)
    for read in reads:
        part = states[read.value].taken(read.channels)
        np.logical_or.at(varies, read.columns, part.varies)
        np.logical_or.at(other, read.columns, ~part.is_zero)
    return State(varies, np.where(other, np.nan, 0.0), np.full(size, False))
