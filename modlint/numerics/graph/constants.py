"""The state of every value of a network, from its inputs on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Activation, Call, Join, Network, Norm, Operation
from modlint.numerics.graph.call_edges import on_host
from modlint.numerics.graph.call_zeros import CallZeros, Mask
from modlint.numerics.graph.channels import Floats, Ints, reads_of, rows_of
from modlint.numerics.graph.folding import by_element, norm_elements, part
from modlint.numerics.graph.states import State, activated, joined, normed, of_all, read_as_one
from modlint.numerics.inputs import Inputs

MOST_ROUNDS = 16
"""Of a recurrent network, until its states stay; then what feeds back is taken to vary."""


class Constants:
    """What each value gives.

    Attributes:
        states: by value.
        bare: the same without the norms that scale columns, not rows: of the unit itself.
    """

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.network = network
        self.inputs = inputs
        self.reads = {op.target: reads_of(op.reads) for op in network.operations}
        self.operands = {
            op.target: [reads_of(spans) for spans in op.operands]
            for op in network.operations
            if isinstance(op, Join)
        }
        self.parts = {
            op.target: _norm_parts(op, network, inputs)
            for op in network.operations
            if isinstance(op, Norm)
        }
        self._known: dict[str, tuple[bytes, State]] = {}
        self.states: dict[str, State] = {}
        self.bare: dict[str, State] = {}
        self._settle()

    def _settle(self) -> None:
        """Once; of what feeds back, which begins at zero, until nothing changes."""
        fed = {span.value for call in self.network.calls if call.delay for span in call.reads}
        found = {name: State.of(self._size(name), varies=False, value=0.0) for name in fed}
        for _ in range(MOST_ROUNDS):
            self._pass(found)
            found, before = {name: self.states[name] for name in fed}, found
            if all(_same(found[name], before[name]) for name in fed):
                return
        self._pass({name: State.of(self._size(name), varies=True) for name in fed})

    def _pass(self, fed: Mapping[str, State]) -> None:
        self.states = {
            value.name: State.of(value.size, varies=True) for value in self.network.values
        }
        self.states |= fed
        self.bare = dict(self.states)
        for op in self.network.operations:
            self.states[op.target] = self._after(op, self.states)
            bare = self._after(op, self.bare, bare=True)
            self.bare[op.target] = bare

    def _after(self, op: Operation, states: dict[str, State], *, bare: bool = False) -> State:
        size = self._size(op.target)
        if isinstance(op, Call):
            return self.states[op.target] if bare else self._called(op, states)
        if isinstance(op, Join):
            if op.kind == "statistic":
                return of_all(self.reads[op.target], states, size)
            return joined(op, [read_as_one(r, states, size) for r in self.operands[op.target]])
        read = read_as_one(self.reads[op.target], states, size)
        if isinstance(op, Activation):
            return activated(op, read)
        if bare and op.target not in self.network.folded:
            return read
        return normed(op, read, self.parts[op.target])

    def _called(self, call: Call, states: Mapping[str, State]) -> State:
        varies, other = self._columns(call, states)
        key = np.packbits(np.concatenate([varies, other])).tobytes()
        if self._known.get(call.name, (b"",))[0] != key:
            self._known[call.name] = key, self._driven(call, varies, other)
        return self._known[call.name][1]

    def _columns(self, call: Call, states: Mapping[str, State]) -> tuple[Mask, Mask]:
        """Which columns read what varies, and which what is constant and not zero."""
        varies, other = np.full(call.columns, False), np.full(call.columns, False)
        known = np.full(call.columns, False)
        for read in self.reads[call.target]:
            part = states[read.value].taken(read.channels)
            np.logical_or.at(varies, read.columns, part.varies)
            np.logical_or.at(other, read.columns, ~part.varies & ~part.is_zero)
            known[read.columns] = True
        return varies | ~known, other

    def _driven(self, call: Call, varies: Mask, other: Mask) -> State:
        changing, shifted = CallZeros(call, self.inputs).rows(varies, other)
        bias = on_host(part(call.bias, self.inputs, 0.0))
        if len(bias) not in (1, call.rows):
            raise Unavailable(
                f"layer {call.name!r}: a bias of {len(bias)} elements for {call.rows} rows"
            )
        value = np.where(changing | shifted, np.nan, bias)
        return _by_channel(
            rows_of(call.drives, call.rows), changing, value, self._size(call.target)
        )

    def _size(self, value: str) -> int:
        return self.network.value(value).size


def _by_channel(channels: Ints, changing: Mask, value: Floats, size: int) -> State:
    """Rows put together: of a recurrent unit's gates it is zero where all are, else not known."""
    driving = channels >= 0
    own, value = channels[driving], value[driving]
    rows = np.bincount(own, minlength=size)
    found = State(rows == 0, np.zeros(size), np.full(size, False))
    np.logical_or.at(found.varies, own, changing[driving])
    np.add.at(found.value, own, np.where(rows[own] > 1, abs(value), value))
    found.value[(rows > 1) & (found.value != 0)] = np.nan
    return found


def _norm_parts(norm: Norm, network: Network, inputs: Inputs) -> tuple[Floats, Floats, Floats]:
    """Factor, shift and mean of each channel.

    A norm whose every factor is zero switches a whole branch off, as untrained residual branches
    begin: it says nothing of single units, and is taken to pass them.
    """
    factor = on_host(norm_elements(norm, network, inputs))
    factor = factor if factor.any() else np.ones_like(factor)
    shift, mean = (
        on_host(by_element(part(name, inputs, 0.0), norm, network))
        for name in (norm.shift, norm.mean)
    )
    return factor, shift, mean


def _same(one: State, other: State) -> bool:
    return np.array_equal(one.varies, other.varies) and np.array_equal(
        one.value, other.value, equal_nan=True
    )
