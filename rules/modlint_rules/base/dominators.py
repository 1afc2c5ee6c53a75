"""What all paths to a value run through: the tree of dominators (Lengauer and Tarjan, 1979)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modlint.network import Call, Network


def passed_by_all(network: Network, value: str) -> list[Call]:
    """Calls that each path from an input to a value runs through, in the network's order."""
    tree, place = _Dominators(), dict[str, int]()
    for op in network.operations:
        at = tree.common(place.get(span.value, 0) for span in op.reads)
        place[op.target] = tree.below(at, op) if isinstance(op, Call) else at
    names = {call.name for call in tree.above(place.get(value, 0))}
    return [call for call in network.calls if call.name in names]


class _Dominators:
    """The tree in which each call stands below the last that all paths to it run through."""

    def __init__(self) -> None:
        self.parents, self.depths = [0], [0]
        self.calls: list[Call | None] = [None]

    def below(self, parent: int, call: Call) -> int:
        """A place for a call."""
        self.parents.append(parent)
        self.depths.append(self.depths[parent] + 1)
        self.calls.append(call)
        return len(self.parents) - 1

    def common(self, places: Iterable[int]) -> int:
        """The lowest place above or at all of some; the root of none."""
        distinct = list(dict.fromkeys(places))
        found = distinct[0] if distinct else 0
        for other in distinct[1:]:
            while found != other:
                if self.depths[found] >= self.depths[other]:
                    found = self.parents[found]
                else:
                    other = self.parents[other]
        return found

    def above(self, place: int) -> Iterator[Call]:
        """The calls from a place up to the root."""
        while (call := self.calls[place]) is not None:
            yield call
            place = self.parents[place]
