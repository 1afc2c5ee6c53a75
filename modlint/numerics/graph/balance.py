"""The graph in which each hidden unit's strength in equals that out.

Osborne, On Pre-Conditioning of Matrices, J. ACM 7 (1960), with the scales of inputs and outputs
held: of all scales it finds those that minimise the sum of the weights. Groups take turns, each
unit of one at its own minimum; between turns all of a group's units move as one, by Newton's
method, without which what one end of a deep network needs would take depth² turns to arrive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.graph.channels import Floats

TOLERANCE = 1e-9
"""Of ln(strength in / strength out), at which a graph is balanced."""

MAX_SWEEPS = 500

LONGEST_STEP = 1.0
"""Of ln(scale) of a whole group at once: far from the minimum Newton's method overshoots."""

Between = tuple[str, str, Floats]
"""A group that is read, one that is driven, and the weights between them: (in, out) float64."""


@np.errstate(all="ignore")
def balanced_blocks(
    network: Network, sizes: Mapping[str, int], blocks: Sequence[Between]
) -> Iterator[Floats]:
    """Each block's weights, hidden units scaled until strengths in and out are equal.

    Args:
        network: says which groups are hidden.
        sizes: units by group.
        blocks: the graph.

    Raises:
        Unavailable: the scales do not balance.
    """
    balance = Balance(sizes, blocks, scalable(network))
    for _ in range(MAX_SWEEPS):
        if balance.sweep() < TOLERANCE:
            return map(balance.scaled, blocks)
        balance.balance_groups()
    raise Unavailable(f"its scales did not balance in {MAX_SWEEPS} sweeps")


def scalable(network: Network) -> list[str]:
    """Names of the groups whose units have a scale: hidden ones that no input enters."""
    held = {value.group for value in network.values if value.is_input}
    return [g.name for g in network.groups if g.role == "hidden" and g.name not in held]


class Balance:
    """A graph's scales, by group, and the steps that balance it.

    Attributes:
        scale: what weights into a unit are multiplied by, and those out of it divided by.
    """

    def __init__(
        self, sizes: Mapping[str, int], blocks: Sequence[Between], hidden: Sequence[str]
    ) -> None:
        self.blocks = blocks
        self.hidden = tuple(hidden)
        self._order = list(reversed(self.hidden))
        self.scale = {name: np.ones(size) for name, size in sizes.items()}
        self.free = {name: np.zeros(size) for name, size in sizes.items()}
        for name in hidden:
            into, out = self.strengths(name)
            self.free[name] = ((into > 0) & (out > 0)).astype(np.float64)

    def strengths(self, group: str) -> tuple[Floats, Floats]:
        """Weights into and out of each unit of a group, added up as they are scaled now."""
        into, out = (np.zeros_like(self.scale[group]) for _ in range(2))
        for source, target, weights in self.blocks:
            if target == group:
                into += (1 / self.scale[source]) @ weights * self.scale[group]
            if source == group:
                out += weights @ self.scale[target] / self.scale[group]
        return into, out

    def sweep(self) -> float:
        """Balance one group after the other; the largest |ln(strength in / strength out)| met."""
        self._order.reverse()
        return max((self.balance_units(group) for group in self._order), default=0.0)

    def balance_units(self, group: str) -> float:
        """Balance one group's units; the largest |ln(strength in / strength out)| before."""
        into, out = self.strengths(group)
        free = self.free[group] > 0
        ratios = np.log(np.where(free, out, 1.0) / np.where(free, into, 1.0))
        # units that are joined to one another move at once: a full step would overshoot
        joined = any(source == target == group for source, target, _ in self.blocks)
        self.scale[group] = self.scale[group] * np.exp(ratios / (4 if joined else 2))
        return float(abs(ratios).max()) if len(ratios) else 0.0

    def balance_groups(self) -> None:
        """Move the free units of each hidden group as one: a step of Newton's method.

        Raises:
            Unavailable: sums of weights overflow.
        """
        if not self.hidden:
            return
        between = self._between()
        into, out = np.array([self._total(group) for group in self.hidden]).T
        hessian = np.diag(into + out) - between - between.T
        if not np.isfinite(hessian).all():
            raise Unavailable("its weights are too far apart to be balanced")
        # of groups that no weight ties to an input or output only differences are determined
        step = np.linalg.pinv(hessian, hermitian=True) @ (out - into)
        lengths = step.clip(-LONGEST_STEP, LONGEST_STEP)
        for group, length in zip(self.hidden, lengths, strict=True):
            self.scale[group] = self.scale[group] * np.exp(length * self.free[group])

    def _total(self, group: str) -> list[float]:
        """Sums of the weights into and out of a group's free units."""
        return [float(side @ self.free[group]) for side in self.strengths(group)]

    def _between(self) -> Floats:
        """Sums of the weights from each hidden group's free units to each one's: (from, to)."""
        place = {group: i for i, group in enumerate(self.hidden)}
        sums = np.zeros((len(place), len(place)))
        for source, target, weights in self.blocks:
            if source in place and target in place:
                leaving = self.free[source] / self.scale[source]
                arriving = self.free[target] * self.scale[target]
                sums[place[source], place[target]] += leaving @ (weights @ arriving)
        return sums

    def scaled(self, block: Between) -> Floats:
        """A block's weights as its units are scaled now."""
        source, target, weights = block
        scaled: Floats = weights / self.scale[source][:, None] * self.scale[target]
        return scaled
