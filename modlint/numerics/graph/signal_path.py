"""What of a network's output its input can change."""

from __future__ import annotations

import numpy as np

from modlint.network import Call, Network, Value
from modlint.numerics.graph.call_zeros import CallZeros
from modlint.numerics.graph.channels import reads_of
from modlint.numerics.graph.constants import Constants
from modlint.numerics.graph.states import State
from modlint.numerics.inputs import Inputs
from modlint.results.units import SignalPath


@np.errstate(all="ignore")
def input_reach(network: Network, inputs: Inputs) -> SignalPath:
    """Which outputs vary, and where what varies ends.

    Raises:
        Unavailable: a weight is not what the network says.
    """
    states = Constants(network, inputs).states
    ends = [value for value in network.values if _is_end(value, network)]
    zero = [call for call in network.calls if _is_zero(call, inputs)]
    return SignalPath(
        outputs=sum(value.size for value in ends),
        reached=sum(int(states[value.name].varies.sum()) for value in ends),
        stops=tuple(call.name for call in network.calls if _stops(call, states)),
        zero=tuple(call.name for call in zero),
        heads=tuple(call.name for call in zero if _makes_output(call, network)),
    )


def _is_end(value: Value, network: Network) -> bool:
    """Whether it is a result, or may be: something that is not followed reads it, or nothing."""
    made = value.name in network.makers
    return made and (value.is_output or value.exposed or not network.readers[value.name])


def _is_zero(call: Call, inputs: Inputs) -> bool:
    if call.kind == "embedding" or call.layout is None:
        return False
    (rows,) = CallZeros(call, inputs).rows(np.full(call.columns, True))
    return not rows.any()


def _stops(call: Call, states: dict[str, State]) -> bool:
    """Whether the input changes what a layer reads, and nothing of what it makes."""
    if states[call.target].varies.any():
        return False
    return any(states[read.value].varies[read.channels].any() for read in reads_of(call.reads))


def _makes_output(call: Call, network: Network) -> bool:
    return network.group(network.value(call.target).group).role == "output"
