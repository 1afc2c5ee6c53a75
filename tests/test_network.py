"""What a network says of itself."""

from __future__ import annotations

import numpy as np

from modlint.network import Network
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer


def linear(tracer: Tracer, name: str, x: Traced, rows: int = 8) -> Traced:
    weight = Weighted(tensor=name, layout=None, rows=rows, columns=x.shape[-1])
    return tracer.call(name, "linear", weight, x, -1, (1, rows), -1)


def built(tracer: Tracer, *results: Traced) -> Network:
    tracer.output(*results)
    (network,) = network_of(tracer, "0", "graph").networks
    return network


def test_a_stream_is_what_branches_are_added_to() -> None:
    tracer = Tracer()
    stream = linear(tracer, "embed", tracer.input("x", (1, 5)))
    hidden = tracer.activation("relu", linear(tracer, "up", stream, 12))
    stream = tracer.join("sum", stream, linear(tracer, "down", hidden))
    network = built(tracer, linear(tracer, "head", stream, 3))

    assert network.streams == {"embed"}
    assert network.group("up").size == 12


def test_two_layers_that_are_added_are_no_stream() -> None:
    tracer = Tracer()
    x = tracer.input("x", (1, 5))
    added = tracer.join("sum", linear(tracer, "a", x), linear(tracer, "b", x))
    network = built(tracer, linear(tracer, "head", added, 3))

    assert not network.streams
    assert network.group("a").size == 8
    assert np.sum([group.size for group in network.groups]) == network.neurons == 5 + 8 + 3
