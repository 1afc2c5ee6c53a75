"""What belongs to one neuron of a network, by the places in the file's tensors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from modlint.network import Activation, Call, Join, Network, Norm, Operation, Span
from modlint.numerics.graph.channels import Ints, indices_of, neurons_of, reads_of
from truth.surgery.file import File
from truth.surgery.lines import Line, column, row

Key = tuple[int, str, str, str]  # network, target of an operation, value, part
Neuron = tuple[int, str, int]  # network, group, number


@dataclass
class Unit:
    """Neurons that can only be moved together.

    Attributes:
        neurons: one, or those that share rows, columns or elements of norms.
        places: by operation and part, the lines of each, in the order of their numbers there.
        marks: what a unit must have in common with one that it changes places with.
        fixed: not to be changed: an input or result, or something that the network does not
            follow reads it, or computes its weights.
    """

    neurons: list[Neuron] = field(default_factory=list)
    places: dict[Key, list[tuple[int, Line]]] = field(default_factory=lambda: defaultdict(list))
    marks: set[Hashable] = field(default_factory=set)
    fixed: bool = False

    @property
    def pattern(self) -> Hashable:
        """What two units have in common that can change places."""
        counts = tuple(sorted((key, len(lines)) for key, lines in self.places.items()))
        return counts, len(self.neurons), frozenset(self.marks)

    def lines(self) -> Iterator[tuple[Key, Line]]:
        """All lines, by operation and part."""
        for key, numbered in sorted(self.places.items()):
            for _, line in sorted(numbered):
                yield key, line


def units(file: File) -> list[Unit]:
    """The units of all networks of a file."""
    collected = _Collected(file)
    for number, network in enumerate(file.networks):
        _Walk(collected, number, network).run()
    return collected.units()


class _Collected:
    """Neurons, what is known of each, and which are one unit."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.places: list[tuple[Neuron, Key, int, Line]] = []
        self.marks: list[tuple[Neuron, Hashable]] = []
        self.fixed: set[Neuron] = set()
        self._above: dict[Neuron, Neuron] = {}
        self._owner: dict[Line, Neuron] = {}

    def find(self, neuron: Neuron) -> Neuron:
        while self._above.setdefault(neuron, neuron) != neuron:
            self._above[neuron] = self._above[self._above[neuron]]
            neuron = self._above[neuron]
        return neuron

    def join(self, a: Neuron, b: Neuron) -> None:
        self._above[self.find(a)] = self.find(b)

    def place(self, neuron: Neuron, key: Key, number: int, line: Line) -> None:
        if line.tensor not in self.file.held:
            self.fixed.add(neuron)
            return
        self.join(neuron, self._owner.setdefault(line, neuron))
        self.places.append((neuron, key, number, line))

    def units(self) -> list[Unit]:
        found: dict[Neuron, Unit] = defaultdict(Unit)
        for neuron in sorted(self._above):
            found[self.find(neuron)].neurons.append(neuron)
        for neuron, key, number, line in self.places:
            found[self.find(neuron)].places[key].append((number, line))
        for neuron, mark in self.marks:
            found[self.find(neuron)].marks.add(mark)
        for neuron in self.fixed:
            found[self.find(neuron)].fixed = True
        return list(found.values())


class _Walk:
    """Notes what a network says of its neurons."""

    def __init__(self, collected: _Collected, number: int, network: Network) -> None:
        self.noted, self.number, self.network = collected, number, network
        self.numbers = {value.name: neurons_of(value) for value in network.values}

    def run(self) -> None:
        for value in self.network.values:
            if value.is_input or value.is_output or value.exposed:
                self.noted.fixed |= set(self.neurons(value.name, np.arange(value.size)))
        for op in self.network.operations:
            if isinstance(op, Call):
                self.call(op)
            elif isinstance(op, Norm):
                self.norm(op)
            elif isinstance(op, Activation):
                self.elements(op, ("slope",))
            elif isinstance(op, Join):
                self.join(op)
        for group in self.network.groups:
            for neuron in range(group.size if group.heads > 1 else 0):
                mark = "head", self.number, group.name, neuron * group.heads // group.size
                self.noted.marks.append(((self.number, group.name, neuron), mark))

    def neurons(self, value: str, channels: Ints) -> list[Neuron]:
        group = self.network.value(value).group
        return [(self.number, group, int(n)) for n in self.numbers[value][channels]]

    def pairs(self, spans: tuple[Span, ...]) -> Iterator[tuple[Neuron, int, str]]:
        """Each neuron, the number that a span gives its channel, and the value."""
        for read in reads_of(spans):
            for neuron, number in zip(
                self.neurons(read.value, read.channels), read.columns.tolist(), strict=True
            ):
                yield neuron, number, read.value

    def call(self, call: Call) -> None:
        driven, read = list(self.pairs(call.drives)), list(self.pairs(call.reads))
        if call.layout is None:
            self.noted.fixed |= {neuron for neuron, *_ in (*driven, *read)}
            return
        for neuron, number, value in driven:
            self.place(neuron, (call, value, "row"), number, row(call, number))
            for bias, element in self._biases(call, number):
                self.place(neuron, (call, value, "bias"), number, Line(bias, element))
        for neuron, number, value in read:
            self.place(neuron, (call, value, "column"), number, column(call, number))
        if call.groups > 1:
            self._grouped(call, driven, read)

    def _biases(self, call: Call, number: int) -> Iterator[tuple[str, int]]:
        if call.bias is not None and self.noted.file.held[call.bias].size > 1:
            yield call.bias, number
        elif call.weight in self.noted.file.recurrent_biases:
            # the network names none: of both products, and of both directions one after the other
            assert call.layout is not None
            bias, before = self.noted.file.recurrent_biases[call.weight]
            way = call.layout.offset // (call.rows * call.columns)
            yield bias, (2 * way + before) * call.rows + number

    def _grouped(
        self,
        call: Call,
        driven: Iterable[tuple[Neuron, int, str]],
        read: Iterable[tuple[Neuron, int, str]],
    ) -> None:
        """Rows and columns stay in their group; a group of one column is one unit."""
        height, fan_in = call.rows // call.groups, call.columns // call.groups
        columns = {number: neuron for neuron, number, _ in read}
        for neuron, number, _ in driven:
            if fan_in == 1 and number // height in columns:
                self.noted.join(neuron, columns[number // height])
            self.mark(neuron, call, None if fan_in == 1 else number // height)
        for number, neuron in columns.items():
            self.mark(neuron, call, None if fan_in == 1 else number // fan_in)

    def norm(self, norm: Norm) -> None:
        self.elements(norm, ("scale", "shift", "mean", "variance"))
        size = self.network.value(norm.target).size
        for channel, neuron in enumerate(self.neurons(norm.target, np.arange(size))):
            self.mark(neuron, norm, channel * norm.groups // size)

    def elements(self, op: Norm | Activation, parts: Iterable[str]) -> None:
        own = indices_of(op.elements)
        if len(set(own.tolist())) == 1 < len(own):
            return  # one element serves all
        target = self.neurons(op.target, np.arange(len(own)))
        for part in parts:
            name = getattr(op, part)
            for neuron, element in zip(target, own.tolist(), strict=True) if name else ():
                self.place(neuron, (op, op.target, part), element, Line(name, element))

    def join(self, join: Join) -> None:
        """Channels that are broadcast over others, and statistics, stay where they are."""
        target = self.neurons(join.target, np.arange(self.network.value(join.target).size))
        for neuron, channel, _ in self.pairs(join.reads):
            if join.kind == "statistic":
                self.noted.fixed.add(neuron)
            elif neuron != target[channel]:
                self.mark(neuron, join, target[channel])
                self.mark(target[channel], join, neuron)

    def place(
        self, neuron: Neuron, where: tuple[Operation, str, str], number: int, line: Line
    ) -> None:
        op, value, part = where
        self.noted.place(neuron, (self.number, op.target, value, part), number, line)

    def mark(self, neuron: Neuron, op: Operation, what: Hashable) -> None:
        self.noted.marks.append((neuron, (self.number, op.target, what)))
