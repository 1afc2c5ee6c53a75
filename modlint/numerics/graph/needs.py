"""Which channels something needs that is itself needed, from the network's results back."""

from __future__ import annotations

import numpy as np

from modlint.network import FIXED, Activation, Call, Join, Network, Norm, Operation
from modlint.numerics.graph.call_zeros import CallZeros, Mask
from modlint.numerics.graph.channels import Read, rows_of
from modlint.numerics.graph.constants import Constants
from modlint.numerics.graph.states import read_as_one
from modlint.numerics.inputs import Inputs


class Needs:
    """What is needed of each value: results, what is exposed or not read, and what these read.

    Attributes:
        needed: by value, (channels,).
    """

    def __init__(self, network: Network, inputs: Inputs, constants: Constants) -> None:
        self.network = network
        self.inputs = inputs
        self.constants = constants
        self._used: dict[str, tuple[bytes, Mask]] = {}
        self.needed = {
            value.name: np.full(
                value.size,
                value.is_output or value.exposed or not network.readers[value.name],
            )
            for value in network.values
        }
        feeding = [call for call in network.calls if call.delay]
        while True:
            for op in reversed(network.operations):
                self._need(op)
            if not sum(self._need(call) for call in feeding):  # all of them
                return

    def of_units(self) -> dict[str, Mask]:
        """What is needed of each value once the norms that scale rows are part of the unit."""
        own = dict(self.needed)
        for op in reversed(self.network.operations):
            if isinstance(op, Activation) or op.target in self.network.folded:
                for read in self.constants.reads[op.target]:
                    own[read.value] = own[read.value].copy()
                    np.logical_or.at(own[read.value], read.channels, own[op.target][read.columns])
        return own

    def _need(self, op: Operation) -> bool:
        """Note what an operation needs; whether that is more than was known."""
        more = False
        for read, needed in self._reads(op):
            before = self.needed[read.value]
            after = before.copy()
            np.logical_or.at(after, read.channels, needed[read.columns])
            more |= bool((after != before).any())
            self.needed[read.value] = after
        return more

    def _reads(self, op: Operation) -> list[tuple[Read, Mask]]:
        """Each of an operation's reads, and which columns or channels of it are needed."""
        needed, reads = self.needed[op.target], self.constants.reads[op.target]
        if isinstance(op, Call):
            return [(read, self._columns(op, needed)) for read in reads]
        if isinstance(op, Join) and op.kind in ("product", "meeting"):
            return self._factors(op, needed)
        if isinstance(op, Norm):
            needed = self._through_norm(op, needed)
        return [(read, needed) for read in reads]

    def _columns(self, call: Call, needed: Mask) -> Mask:
        channels = rows_of(call.drives, call.rows)
        rows = np.where(channels < 0, False, needed[channels])
        key = np.packbits(rows).tobytes()
        if self._used.get(call.name, (b"",))[0] != key:
            self._used[call.name] = key, CallZeros(call, self.inputs).columns(rows)
        return self._used[call.name][1]

    def _factors(self, join: Join, needed: Mask) -> list[tuple[Read, Mask]]:
        """A factor is needed where no other one is zero; of a meeting, whatever comes of it."""
        wanted = np.full_like(needed, True) if join.kind == "meeting" else needed
        operands = self.constants.operands[join.target]
        states = self.constants.states
        zeros = [read_as_one(reads, states, len(needed)).is_zero for reads in operands]
        found = []
        for i, reads in enumerate(operands):
            others = [zero for j, zero in enumerate(zeros) if j != i]
            own = wanted & ~np.logical_or.reduce([np.full_like(needed, False), *others])
            found += [(read, own) for read in reads]
        return found

    def _through_norm(self, norm: Norm, needed: Mask) -> Mask:
        """What a norm's factor leaves of it; statistics of the data need all channels."""
        factor = self.constants.parts[norm.target][0]
        passed: Mask = needed & (factor != 0)
        if norm.kind in FIXED and (norm.kind != "batch" or norm.variance is not None):
            return passed
        return np.full_like(needed, bool(passed.any()))
