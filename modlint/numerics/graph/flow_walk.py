"""F and B of every value of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint.network import Call, Join, Network, Norm, Operation, Value
from modlint.numerics.graph.call_edges import CallEdges, on_host
from modlint.numerics.graph.channels import Floats, Read, reads_of, rows_of, spread
from modlint.numerics.graph.folding import norm_elements
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.scaled import Scaled, total


class FlowWalk:
    """Over a network's operations, in their order and back.

    Recurrent weights run for one step: what feeds back reads the flow of a pass without it.

    Attributes:
        met: B where channels meet: what comes of them is not followed.
        given: by value, F of its channels.
        returned: by value, B of its channels.
        read: by call, F of what its columns read, the largest 1.
        taken: by call, B of its rows, likewise.
    """

    met = 1.0

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.network = network
        self.inputs = inputs
        self.sizes = {value.name: value.size for value in network.values}
        self.reads = {op.target: reads_of(op.reads) for op in network.operations}
        self.ahead = [op for op in network.operations if not _feeds_back(op)]
        self.back = [call for call in network.calls if _feeds_back(call)]
        self.factors = {
            op.target: abs(on_host(norm_elements(op, network, inputs)))
            for op in network.operations
            if isinstance(op, Norm)
        }
        self.given: dict[str, Scaled] = {}
        self.returned: dict[str, Scaled] = {}
        self.read: dict[str, Floats] = {}
        self.taken: dict[str, Floats] = {}

    def forward(self) -> None:
        """F of each value: 1 at the network's inputs and at an embedding's entries."""
        for value in self.network.values:
            is_start = value.name not in self.network.makers
            self.given[value.name] = Scaled.of(np.full(value.size, float(is_start)))
        self._ahead()
        if self.back:
            self.given |= {call.target: self._through(call) for call in self.back}
            self._ahead()

    def _ahead(self) -> None:
        for op in self.ahead:
            self.given[op.target] = self._through(op)

    def _through(self, op: Operation) -> Scaled:
        """What an operation gives each channel of its target."""
        if isinstance(op, Call):
            return self._called(op)
        found = self._gathered(self.reads[op.target], self.sizes[op.target])
        return Scaled.of(found.values * self._weight(op), found.log)

    def _called(self, call: Call) -> Scaled:
        entries = Scaled(np.ones(call.columns))
        reads = self.reads[call.target]
        columns = self._gathered(reads, call.columns) if reads else entries
        self.read[call.name] = columns.values
        rows = CallEdges(self.network, call, self.inputs).forward(columns.values)
        channels = rows_of(call.drives, call.rows)
        driving = channels >= 0
        found = np.bincount(channels[driving], rows[driving], self.sizes[call.target])
        return Scaled.of(found, columns.log)

    def _gathered(self, reads: Sequence[Read], size: int) -> Scaled:
        """What columns or channels read, added up."""
        parts = []
        for read in reads:
            given = self.given[read.value]
            found = np.bincount(read.columns, given.values[read.channels], size)
            parts.append(Scaled.of(found, given.log))
        return total(parts, np.zeros(size))

    def _weight(self, op: Operation) -> Floats | float:
        """What an operation that is no call multiplies each channel of its target by."""
        if isinstance(op, Norm):
            return self.factors[op.target]
        if isinstance(op, Join) and op.kind == "statistic":
            read = [part.columns for part in self.reads[op.target]]
            parts = np.bincount(np.concatenate(read), minlength=self.sizes[op.target])
            return 1 / np.maximum(parts, 1)
        return 1.0

    def backward(self) -> None:
        """B of each value: 1 where the network's result is, and where what reads it is no edge."""
        self._back({})
        if self.back:
            fed = {call.target: self.returned[call.target] for call in self.back}
            seeds: dict[str, list[Scaled]] = {}
            for call in self.back:
                for name, part in self._given_back(call, fed[call.target]):
                    seeds.setdefault(name, []).append(part)
            self._back(seeds)
            self.returned |= fed

    def _back(self, seeds: dict[str, list[Scaled]]) -> None:
        read = {part.value for op in self.ahead for part in self.reads[op.target]}
        arriving: dict[str, list[Scaled]] = {}
        for value in self.network.values:
            ends = self._ends(value, is_read=value.name in read)
            start = [Scaled(np.ones(value.size))] if ends else []
            arriving[value.name] = [*start, *seeds.get(value.name, ())]
        for op in reversed(self.ahead):
            for name, part in self._given_back(op, self._sum(op.target, arriving)):
                arriving[name].append(part)
        self.returned = {name: self._sum(name, arriving) for name in arriving}

    def _ends(self, value: Value, *, is_read: bool) -> bool:
        return value.is_output or value.exposed or not is_read

    def _sum(self, value: str, arriving: dict[str, list[Scaled]]) -> Scaled:
        return total(arriving[value], np.zeros(self.sizes[value]))

    def _given_back(self, op: Operation, arrived: Scaled) -> list[tuple[str, Scaled]]:
        """What an operation gives back to each value that it reads."""
        if isinstance(op, Call):
            channels = rows_of(op.drives, op.rows)
            rows = np.where(channels < 0, 0.0, arrived.values[channels])
            self.taken[op.name] = rows
            if not op.reads:
                return []
            edges = CallEdges(self.network, op, self.inputs)
            back = Scaled.of(edges.backward(rows), arrived.log)
        elif isinstance(op, Join) and op.kind == "meeting":
            back = Scaled.of(np.full(self.sizes[op.target], self.met))
        else:
            back = Scaled.of(arrived.values * self._weight(op), arrived.log)
        parts = spread(self.reads[op.target], back.values, self.sizes)
        return [(name, Scaled.of(part, back.log)) for name, part in parts]


def _feeds_back(op: Operation) -> bool:
    return isinstance(op, Call) and op.delay > 0
