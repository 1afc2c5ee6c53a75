"""The flow from each input of a network to its output."""

from __future__ import annotations

import math

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.graph.flow_walk import FlowWalk
from modlint.numerics.inputs import Inputs
from modlint.results.input_flow import InputFlow


@np.errstate(all="ignore")
def input_flows(network: Network, inputs: Inputs) -> tuple[InputFlow, ...]:
    """By input, in topological order.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says; nothing flows.
    """
    values = [value for value in network.values if value.name not in network.makers]
    walk = FlowWalk(network, inputs)
    walk.forward()
    walk.backward()
    flows = [walk.returned[value.name] for value in values]
    top = max((flow.log for flow in flows), default=-math.inf)
    if top == -math.inf:
        raise Unavailable("nothing flows from its inputs to its output")
    scaled = [flow.values * math.exp(flow.log - top) for flow in flows]
    total = sum(float(part.sum()) for part in scaled)
    return tuple(
        InputFlow(value.name, part / total, not value.exposed)
        for value, part in zip(values, scaled, strict=True)
    )
