"""The units of ReLUs that bounds keep from opening."""

from __future__ import annotations

import numpy as np

from modlint.network import RELU_LIKE, Activation, Call, Network, Operation
from modlint.numerics.graph.bounds import Bounds, read_by
from modlint.numerics.graph.channels import neurons_of, reads_of
from modlint.numerics.inputs import Inputs
from modlint.results.intervals import Interval, ReluUnits

_ROUNDING = 1e-3
"""Share of an upper bound within which the lower one lies where rounding alone is between."""


@np.errstate(all="ignore")
def dead_relus(
    network: Network, inputs: Inputs, input_range: tuple[float, float] | None
) -> tuple[ReluUnits, ...]:
    """The units of each ReLU, in topological order.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says.
    """
    if not any(_is_relu(op) for op in network.operations):
        return ()
    bounds = Bounds(network, inputs, input_range).by_value
    return tuple(_units(op, network, bounds) for op in network.operations if _is_relu(op))


def _is_relu(op: Operation) -> bool:
    return isinstance(op, Activation) and op.name in RELU_LIKE


def _units(op: Operation, network: Network, bounds: dict[str, Interval]) -> ReluUnits:
    value = network.value(op.target)
    read = read_by(reads_of(op.reads), bounds, value.size)
    constant = read.high - read.low <= _ROUNDING * abs(read.high)
    dead = (read.high <= 0) & ~constant
    neurons = np.unique(neurons_of(value)[dead])
    return ReluUnits(
        layer=_driver(op, network),
        neurons=value.size,
        bounded=int(np.isfinite(read.high).sum()),
        dead=tuple(neurons.tolist()),
        highest=float(read.high[dead].max(initial=-np.inf)) if dead.any() else 0.0,
    )


def _driver(op: Operation, network: Network) -> str:
    """The last call on the way to a ReLU; where there is none, the name of what it makes."""
    name = op.target
    while (maker := network.makers.get(name)) is not None and maker.reads:
        if isinstance(maker, Call):
            return maker.name
        name = maker.reads[-1].value
    return op.target if maker is None else maker.target
