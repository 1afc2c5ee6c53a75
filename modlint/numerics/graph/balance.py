"""The graph in which each hidden unit's strength in equals that out.

Osborne, On Pre-Conditioning of Matrices, J. ACM 7 (1960), with the scales of inputs and outputs
held: of all scales it finds those that minimise the sum of the weights. Groups take turns, each
unit of one at its own minimum; between turns all of a group's units move as one, by Newton's
method, without which what one end of a deep network needs would take depth² turns to arrive.
"""

from __future__ import annotations

import torch
from msgspec.structs import replace

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.tensor.product import product
from modlint.results.graphs import Block, Graph

TOLERANCE = 1e-9
"""Of ln(strength in / strength out), at which a graph is balanced."""

MAX_SWEEPS = 500

LONGEST_STEP = 1.0
"""Of ln(scale) of a whole group at once: far from the minimum Newton's method overshoots."""


def balanced_graph(network: Network, graph: Graph, device: torch.device) -> Graph:
    """The weight graph with hidden units scaled until strengths in and out are equal.

    Raises:
        Unavailable: the scales do not balance.
    """
    held = {value.group for value in network.values if value.is_input}
    hidden = [g.name for g in network.groups if g.role == "hidden" and g.name not in held]
    balance = Balance(graph, hidden, device)
    for _ in range(MAX_SWEEPS):
        if max((balance.balance_units(group) for group in hidden), default=0.0) < TOLERANCE:
            break
        balance.balance_groups()
        hidden.reverse()
    else:
        raise Unavailable(f"its scales did not balance in {MAX_SWEEPS} sweeps")
    return Graph(graph.groups, tuple(balance.scaled(block) for block in graph.blocks))


class Balance:
    """A graph's scales, by group, and the steps that balance it.

    Attributes:
        scale: what weights into a unit are multiplied by, and those out of it divided by.
    """

    def __init__(self, graph: Graph, hidden: list[str], device: torch.device) -> None:
        self.blocks = graph.blocks
        self.hidden = tuple(hidden)
        self.scale = {
            name: torch.ones(size, dtype=torch.float64, device=device)
            for name, size in graph.groups.items()
        }
        self.free = {name: torch.zeros_like(scale) for name, scale in self.scale.items()}
        for name in hidden:
            into, out = self.strengths(name)
            self.free[name] = ((into > 0) & (out > 0)).to(torch.float64)

    def strengths(self, group: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights into and out of each unit of a group, added up as they are scaled now."""
        into, out = (torch.zeros_like(self.scale[group]) for _ in range(2))
        for block in self.blocks:
            if block.target == group:
                into += product(block.weights.T, 1 / self.scale[block.source]) * self.scale[group]
            if block.source == group:
                out += product(block.weights, self.scale[block.target]) / self.scale[group]
        return into, out

    def balance_units(self, group: str) -> float:
        """Balance one group's units; the largest |ln(strength in / strength out)| before."""
        into, out = self.strengths(group)
        ratios = torch.where(self.free[group] > 0, (out / into).log(), 0.0)
        # units that are joined to one another move at once: a full step would overshoot
        joined = any(block.source == block.target == group for block in self.blocks)
        self.scale[group] = self.scale[group] * (ratios / (4 if joined else 2)).exp()
        return float(ratios.abs().max()) if len(ratios) else 0.0

    def balance_groups(self) -> None:
        """Move the free units of each hidden group as one: a step of Newton's method."""
        between = self._between()
        into, out = torch.tensor(
            [self._total(group) for group in self.hidden], dtype=torch.float64
        ).T
        hessian = (into + out).diag() - between - between.T
        # of groups that no weight ties to an input or output only differences are determined
        step = torch.linalg.pinv(hessian, hermitian=True) @ (out - into)
        for group, length in zip(self.hidden, step.clamp(-LONGEST_STEP, LONGEST_STEP), strict=True):
            self.scale[group] = self.scale[group] * (float(length) * self.free[group]).exp()

    def _total(self, group: str) -> list[float]:
        """Sums of the weights into and out of a group's free units."""
        return [float(side @ self.free[group]) for side in self.strengths(group)]

    def _between(self) -> torch.Tensor:
        """Sums of the weights from each hidden group's free units to each one's: (from, to)."""
        place = {group: i for i, group in enumerate(self.hidden)}
        sums = torch.zeros(len(place), len(place), dtype=torch.float64)
        for block in self.blocks:
            if block.source in place and block.target in place:
                leaving = self.free[block.source] / self.scale[block.source]
                arriving = self.free[block.target] * self.scale[block.target]
                total = float(leaving @ product(block.weights, arriving))
                sums[place[block.source], place[block.target]] += total
        return sums

    def scaled(self, block: Block) -> Block:
        """A block as its units are scaled now."""
        rows, columns = self.scale[block.source], self.scale[block.target]
        weights = block.weights / rows.unsqueeze(1) * columns
        return replace(block, weights=weights.to(block.weights.dtype))
