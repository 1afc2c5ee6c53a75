"""Units that may be scaled: what makes them times a factor, what reads them by it.

Between lie only sums and activations that pass positive factors on.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from modlint.network import Activation, Call, Join, Network, Norm, Operation
from truth.surgery.file import File
from truth.surgery.lines import Line
from truth.surgery.operating import READ, multiplied
from truth.surgery.units import Key, Unit

BENT = frozenset({"relu", "leakyrelu", "prelu"})
PASSING = BENT | {"identity", "neg", "abs"}
_MADE = {Call: ("row", "bias"), Norm: ("scale", "shift")}


def scaled(file: File, units: Iterable[Unit], factor: float = 2.0) -> tuple[File, int]:
    """Every unit behind a ReLU that can be scaled, scaled; the file and their number."""
    scales = {n: _Scales(network) for n, network in enumerate(file.networks)}
    factors: dict[Line, float] = {}
    count = 0
    for unit in units:
        own = (
            None
            if unit.fixed or any(map(_is_apart, unit.marks))
            else _factors(unit, scales, factor)
        )
        if own:
            count += 1
            factors |= own
    return multiplied(file, factors.items()), count


def _factors(unit: Unit, scales: dict[int, _Scales], factor: float) -> dict[Line, float] | None:
    """By line; None where no ReLU is scaled, or a line would have two factors."""
    found: dict[Line, float] = {}
    bent = False
    for key, line in unit.lines():
        power = scales[key[0]].power(key)
        bent |= scales[key[0]].is_bent(key)
        if found.setdefault(line, factor**power) != factor**power:
            return None
    return {line: f for line, f in found.items() if f != 1} if bent else None


class _Scales:
    """Which values of a network can be scaled, a part of the network at a time."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.part = {value.name: value.name for value in network.values}
        for op in network.operations:
            if _passes(op):
                for span in op.reads:
                    self._join(span.value, op.target)
        self.stuck = {self.find(name) for name in self._stuck()}
        self.bent = {
            self.find(op.target)
            for op in network.operations
            if isinstance(op, Activation) and op.name in BENT
        }

    def power(self, key: Key) -> int:
        """Of the factor by which a line is multiplied."""
        _, target, value, part = key
        if self.find(value) in self.stuck:
            return 0
        made = _MADE.get(type(self.network.makers[target]), ())
        return -1 if part == READ else int(part in made)

    def is_bent(self, key: Key) -> bool:
        """Whether a line makes or reads what is scaled with a ReLU."""
        return self.find(key[2]) in self.bent - self.stuck

    def find(self, value: str) -> str:
        """The part of the network in which a value is scaled with others."""
        while self.part[value] != value:
            value = self.part[value]
        return value

    def _join(self, a: str, b: str) -> None:
        self.part[self.find(a)] = self.find(b)

    def _stuck(self) -> Iterator[str]:
        for value in self.network.values:
            if value.is_input or value.is_output or value.exposed:
                yield value.name
        for op in self.network.operations:
            if isinstance(op, Call):
                continue
            if isinstance(op, Norm) and op.scale is None:
                yield op.target
            if not _passes(op):
                yield from (span.value for span in op.reads)
                if not isinstance(op, Norm):
                    yield op.target


def _passes(op: Operation) -> bool:
    if isinstance(op, Activation):
        return op.name in PASSING
    return isinstance(op, Join) and op.kind == "sum"


def _is_apart(mark: Hashable) -> bool:
    """Whether a mark is of a join with what is broadcast over several neurons."""
    return isinstance(mark, tuple) and isinstance(mark[-1], tuple)
