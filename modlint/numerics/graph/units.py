"""Hidden units that nothing drives or that drive nothing, near or far.

Zeros are exact, and are those of the weights with norms folded in: a γ of zero silences a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from modlint.network import Activation, Call, Group, Join, Network, Value
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import neurons_of
from modlint.numerics.graph.constants import Constants
from modlint.numerics.graph.needs import Needs
from modlint.numerics.graph.states import State
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import indices
from modlint.results.units import LayerUnits


@np.errstate(all="ignore")
def inspect_units(network: Network, inputs: Inputs) -> tuple[LayerUnits, ...]:
    """Inspect every hidden group that only calls drive, in topological order.

    Raises:
        Unavailable: a weight is not what the network says.
    """
    inspection = _Inspection(network, inputs)
    entered = {value.group for value in network.values if value.is_input}
    hidden = [g for g in network.groups if g.role == "hidden" and g.name not in entered]
    return tuple(inspection.of(group) for group in hidden)


class _Inspection:
    """What is known of a network's values, put together by group."""

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.network = network
        self.constants = Constants(network, inputs)
        self.needed = Needs(network, inputs, self.constants).of_units()
        self.values: dict[str, list[Value]] = {group.name: [] for group in network.groups}
        for value in network.values:
            self.values[value.group].append(value)

    def of(self, group: Group) -> LayerUnits:
        """The units of a group."""
        values = self.values[group.name]
        makers = [self.network.makers.get(value.name) for value in values]
        drivers = [op for op in makers if isinstance(op, Call)]
        products = [op for op in makers if isinstance(op, Join) and op.kind == "product"]
        starts = [v for v, op in zip(values, makers, strict=True) if op is None or op in drivers]
        needed = [(value, self.needed[value.name]) for value in starts]
        constant = self._all_of(group, self._read(values), _constant)
        off = self._off(group, values, is_product=bool(products))
        activations = self._activations(values, drivers, is_product=bool(products))
        return LayerUnits(
            group=group.name,
            layer=drivers[0].name,
            total=group.size,
            silent=indices(~_any(group, needed)),
            constant=indices(constant),
            off=indices(constant & off),
            activation=activations.pop() if len(activations) == 1 else None,
            join="product" if products else "sum",
        )

    def _read(self, values: Sequence[Value]) -> list[Value]:
        """Values that something besides norms, activations, sums and products reads, or nothing."""
        return [
            value
            for value in values
            if value.is_output
            or value.exposed
            or not self.network.readers[value.name]
            or any(_is_end(op) for op in self.network.readers[value.name])
        ]

    def _off(self, group: Group, values: Sequence[Value], *, is_product: bool) -> Mask:
        """Of constant units those that are not positive before an activation; zero products."""
        if is_product:
            return self._all_of(group, self._read(values), lambda state: state.value == 0)
        before = [
            value
            for value in values
            if any(isinstance(op, Activation) for op in self.network.readers[value.name])
        ]
        behind = self._all_of(group, self._read(values), _not_positive)
        covered = _any(group, [(value, np.full(value.size, True)) for value in before])
        return np.where(covered, self._all_of(group, before, _not_positive), behind)

    def _all_of(self, group: Group, values: Sequence[Value], holds: Holds) -> Mask:
        """For each neuron whether something holds of all of its channels in these values."""
        kept = [(value, holds(self.constants.bare[value.name])) for value in values]
        return _any(group, kept) & ~_any(group, [(value, ~mask) for value, mask in kept])

    def _activations(
        self, values: Sequence[Value], drivers: Sequence[Call], *, is_product: bool
    ) -> set[str | None]:
        if is_product:
            return {self.network.activation_of(call) for call in drivers}
        names = {op.name for op in self._made_by_activations(values)}
        return {None if name == "unknown" else name for name in names} or {"identity"}

    def _made_by_activations(self, values: Sequence[Value]) -> Iterator[Activation]:
        for value in values:
            op = self.network.makers.get(value.name)
            if isinstance(op, Activation):
                yield op


Holds = Callable[[State], Mask]


def _constant(state: State) -> Mask:
    return ~state.varies


def _not_positive(state: State) -> Mask:
    return state.value <= 0


def _is_end(op: object) -> bool:
    """Whether an operation makes other neurons of what it reads."""
    return isinstance(op, Call) or (isinstance(op, Join) and op.kind in ("meeting", "statistic"))


def _any(group: Group, values: Sequence[tuple[Value, Mask]]) -> Mask:
    """For each neuron whether a mask holds of any of its channels."""
    found = np.full(group.size, False)
    for value, mask in values:
        np.logical_or.at(found, neurons_of(value), mask)
    return found
