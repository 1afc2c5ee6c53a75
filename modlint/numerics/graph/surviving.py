"""What of a network's flow goes around each of its blocks.

With F forward and B backward, the flow that reaches the output is F·B added up over what crosses
any cut of the network. Behind a removed block F is computed anew up to the block's last operation;
there the cut is, and B is what it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Call, Network, Value
from modlint.numerics.graph.flow_walk import FlowWalk
from modlint.numerics.graph.sections import Sections
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.scaled import Scaled
from modlint.results.units import BlockFlow

_LEAST_BLOCKS = 2


@np.errstate(all="ignore")
def surviving_flow(network: Network, inputs: Inputs) -> tuple[BlockFlow, ...]:
    """By block, the share that is left without it.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says; nothing flows.
    """
    sections = Sections(network)
    blocks = {block: _calls(sections, block) for block in network.blocks}
    blocks = {block: calls for block, calls in blocks.items() if calls}
    if len(blocks) < _LEAST_BLOCKS:
        return ()
    walk = _ToOutput(network, inputs)
    walk.forward()
    walk.backward()
    if walk.across(len(walk.ahead), walk.given) == -math.inf:
        raise Unavailable("nothing flows from its input to its output")
    return tuple(
        BlockFlow(block, walk.share_without(calls), _keeps_width(sections, block))
        for block, calls in blocks.items()
    )


def _keeps_width(sections: Sections, block: str) -> bool:
    """Whether some value that others read of a block has as many channels as one that it reads."""
    network, operations = sections.network, sections.operations(block)
    made = {op.target for op in operations}
    read = {span.value for op in operations for span in op.reads} - made
    given = {
        name
        for name in made
        if network.value(name).is_output
        or any(reader.target not in made for reader in network.readers[name])
    }
    sizes = ({network.value(name).size for name in names} for names in (read, given))
    return bool(set.intersection(*sizes))


def _calls(sections: Sections, block: str) -> frozenset[str]:
    """What the layers of a block make."""
    return frozenset(op.target for op in sections.operations(block) if isinstance(op, Call))


class _ToOutput(FlowWalk):
    """Flow that ends in the network's results alone, where it has some."""

    met = 0.0

    def __init__(self, network: Network, inputs: Inputs) -> None:
        super().__init__(network, inputs)
        self._has_results = any(value.is_output for value in network.values)
        self._place = {op.target: i for i, op in enumerate(self.ahead)}

    def _ends(self, value: Value, *, is_read: bool) -> bool:
        if self._has_results:
            return value.is_output
        return value.exposed or not is_read

    def share_without(self, calls: frozenset[str]) -> float:
        """Share of the flow that is left where some calls give nothing."""
        places = [self._place[name] for name in calls if name in self._place]
        if not places:
            return 1.0
        cut = max(places) + 1
        given = self.given
        self.given = dict(given)
        changed = set[str]()
        for op in self.ahead[min(places) : cut]:
            if op.target in calls:
                self.given[op.target] = Scaled.of(np.zeros(self.sizes[op.target]))
                changed.add(op.target)
            elif any(span.value in changed for span in op.reads):
                self.given[op.target] = self._through(op)
                changed.add(op.target)
        left, self.given = self.given, given
        return math.exp(self.across(cut, left) - self.across(cut, given))

    def across(self, cut: int, given: Mapping[str, Scaled]) -> float:
        """Log of the flow that operations from the cut on read or begin, or that has ended."""
        parts = list(self._crossing(cut, given))
        top = max(parts, default=-math.inf)
        return top if top == -math.inf else top + math.log(sum(math.exp(p - top) for p in parts))

    def _crossing(self, cut: int, given: Mapping[str, Scaled]) -> Iterator[float]:
        before = {value.name for value in self.network.values} - {
            op.target for op in self.ahead[cut:]
        }
        read = {part.value for op in self.ahead for part in self.reads[op.target]}
        for value in self.network.values:
            if value.name in before and self._ends(value, is_read=value.name in read):
                yield _log_sum(given[value.name])
        for op in self.ahead[cut:]:
            if not self.reads[op.target]:  # a table of tokens: flow begins there
                yield _log_sum(given[op.target].times(self.returned[op.target]))
            elif any(part.value in before for part in self.reads[op.target]):
                for name, back in self._given_back(op, self.returned[op.target]):
                    if name in before:
                        yield _log_sum(given[name].times(back))


def _log_sum(flow: Scaled) -> float:
    total = float(flow.values.sum())
    return flow.log + math.log(total) if total > 0 else -math.inf
