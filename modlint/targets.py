"""What verdicts are about: the file, a place in it, a tensor, a network or one of its layers."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint, Tensor
from modlint.network import Call, Network
from modlint.verdict import Target


def whole_file(checkpoint: Checkpoint) -> Target:
    """The file."""
    return Target("file", checkpoint.path.name)


def place_in_file(checkpoint: Checkpoint, member: str | None, offset: int | None) -> Target:
    """A byte of an archive's member, or of the file where `member` is None."""
    if member is None:
        return Target("file", checkpoint.path.name, offset=offset)
    return Target("member", member, member=member, offset=offset)


def of_tensor(tensor: Tensor) -> Target:
    """A tensor."""
    return Target("tensor", tensor.name)


def of_network(network: Network) -> Target:
    """A network."""
    return Target("network", network.id, network=network.id)


def of_layer(layer: Call, network: Network) -> Target:
    """A layer of a network."""
    return Target("layer", layer.name, network=network.id)
