"""From a finished walk to what a builder gives."""

from __future__ import annotations

from modlint.builder import Built
from modlint.network import NetworkSource, Unplaced
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.blocks import repeated
from modlint_plugins.networks.flow.nodes import CallNode


def finished(walk: Walk, source: NetworkSource) -> Built:
    """The network, and the weights that stand in none of it."""
    layers = [node.name for node in walk.tracer.nodes if isinstance(node, CallNode)]
    built = network_of(walk.tracer, "0", source, repeated(layers))
    named = {x.tensor for x in built.unplaced}
    named |= {call.weight for network in built.networks for call in network.calls}
    missed = [Unplaced(n, why) for n, why in walk.missed.items() if n not in named]
    return Built(built.networks, (*built.unplaced, *missed))
