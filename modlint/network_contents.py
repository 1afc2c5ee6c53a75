"""The networks of a file, as `modlint inspect` names their parts in JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.neighbours import calls_behind, norm_tensors
from modlint.network import Call, Network
from modlint.text import count
from modlint.verdict import Confidence


class UnplacedContents(msgspec.Struct, frozen=True):
    """A weight of a layer that stands in no network, and why."""

    tensor: str
    reason: str


class EdgeContents(msgspec.Struct, frozen=True, rename={"producer": "from", "consumer": "to"}):
    """What one weight's columns read of another's output; `from` null for an input's channels."""

    producer: str | None
    consumer: str
    columns: tuple[tuple[int, int], ...]


class LayerContents(msgspec.Struct, frozen=True):
    """A layer, as the JSON contract names its facts; `neurons` are those that it drives."""

    name: str
    kind: str
    shape: tuple[int, ...]
    inputs: tuple[str, ...]
    neurons: int
    tensors: tuple[str, ...]
    activation: str | None

    @classmethod
    def of(
        cls, call: Call, network: Network, inputs: tuple[str, ...], stored: Mapping[str, Tensor]
    ) -> LayerContents:
        """Summarise a call, given the names of those directly behind it, and the file's tensors.

        Its shape is that of its tensor, where all of that is its kernels.
        """
        weight, layout = stored.get(call.weight), call.layout
        shape = call.shape
        if weight is not None and layout is not None:
            shape = weight.shape if weight.elements == math.prod(layout.shape) else shape
        tensors = dict.fromkeys((*call.tensors, *norm_tensors(network, call)))
        return cls(
            call.name,
            call.kind,
            shape,
            inputs,
            network.value(call.target).size,
            tuple(tensors),
            network.activation_of(call),
        )


class NetworkContents(msgspec.Struct, frozen=True):
    """A network with its layers, or the reason why there is none.

    `edges` are there where they are asked for; null of a network that has too many to list.
    """

    id: str
    source: str | None
    confidence: Confidence | None
    neurons: int
    connections: int
    reason: str | None
    layers: tuple[LayerContents, ...]
    edges: tuple[EdgeContents, ...] | msgspec.UnsetType | None = msgspec.UNSET

    @classmethod
    def of(
        cls, network: Network, stored: Mapping[str, Tensor], *, edges: bool = False
    ) -> NetworkContents:
        """Summarise a network of a file that holds these tensors."""
        behind = calls_behind(network)
        return cls(
            network.id,
            network.source,
            network.confidence,
            network.neurons,
            network.connections,
            network.reason,
            tuple(
                LayerContents.of(call, network, behind[call.name], stored) for call in network.calls
            ),
            _edges(network) if edges else msgspec.UNSET,
        )

    @property
    def summary(self) -> str:
        """Its size, or the reason why there is none."""
        if self.reason is not None:
            return f"none, {self.reason}"
        neurons, edges = count(self.neurons, "neuron"), count(self.connections, "connection")
        return f"from {self.source}, confidence {self.confidence}, {neurons}, {edges}"


def _edges(network: Network) -> tuple[EdgeContents, ...] | None:
    from modlint.edges import tensor_edges

    try:
        return tuple(
            EdgeContents(edges.producer, edges.consumer, tuple(map(tuple, edges.pairs.T.tolist())))
            for edges in tensor_edges(network)
        )
    except Unavailable:
        return None
