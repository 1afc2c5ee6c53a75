"""The repeated blocks of a network as networks of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from modlint.network import Call, Group, GroupRole, Network, Operation, Value
from modlint.numerics.graph.channels import Ints, neurons_of
from modlint.numerics.graph.sections import Sections
from modlint.verdict import Confidence


def parts_of(network: Network) -> tuple[Network, ...]:
    """A network for each block; calls in none are left out.

    What a block reads from outside is an input of its network, such as a residual stream, and what
    others read of it is exposed.
    """
    sections = Sections(network)
    found = (_part(network, block, sections.operations(block)) for block in network.blocks)
    return tuple(part for part in found if part.calls)


def _part(network: Network, block: str, operations: Sequence[Operation]) -> Network:
    made = {op.target for op in operations}
    read = {span.value for op in operations for span in op.reads}
    outside = {
        value
        for value in made
        if any(reader.target not in made for reader in network.readers[value])
    }
    values = [
        replace(
            value, is_input=value.name not in made, exposed=value.exposed or value.name in outside
        )
        for value in network.values
        if value.name in made | read
    ]
    confidences = [op.confidence for op in operations if isinstance(op, Call)]
    grouping = _Grouping(network, values, operations)
    return replace(
        network,
        id=f"{network.id}/{block}",
        confidence=min(confidences, key=lambda c: c.rank, default=Confidence.LOW),
        groups=tuple(grouping.groups()),
        values=tuple(grouping.values()),
        operations=tuple(operations),
        blocks=(),
    )


class _Grouping:
    """The groups of some of a network's values, without the neurons that none of them has."""

    def __init__(
        self, network: Network, values: Sequence[Value], operations: Sequence[Operation]
    ) -> None:
        self.network = network
        self.own = values
        self.read = {span.value for op in operations if isinstance(op, Call) for span in op.reads}
        self.members: dict[str, list[Value]] = {}
        for value in values:
            self.members.setdefault(value.group, []).append(value)
        self.kept = {
            name: np.unique(np.concatenate([neurons_of(value) for value in members]))
            for name, members in self.members.items()
        }

    def values(self) -> Iterator[Value]:
        """The values, their neurons numbered anew."""
        for value in self.own:
            places = np.searchsorted(self.kept[value.group], neurons_of(value))
            yield replace(value, neurons=_runs(places))

    def groups(self) -> Iterator[Group]:
        """In the network's order."""
        for group in self.network.groups:
            if group.name in self.members:
                members = self.members[group.name]
                role = self._role(members)
                exposed = any(value.exposed or value.is_output for value in members)
                size = len(self.kept[group.name])
                yield replace(group, size=size, role=role, exposed=exposed and role != "output")

    def _role(self, members: Sequence[Value]) -> GroupRole:
        if any(value.is_input for value in members):
            return "input"
        results = any(value.is_output for value in members)
        return "output" if results and not any(v.name in self.read for v in members) else "hidden"


def _runs(places: Ints) -> tuple[range, ...]:
    """Integers as runs of consecutive ones."""
    cuts = np.flatnonzero(np.diff(places) != 1) + 1
    parts = np.split(places, cuts) if len(places) else []
    return tuple(range(int(part[0]), int(part[-1]) + 1) for part in parts)
