"""Graph builders: from a `Checkpoint` to the `Network`s that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

from modlint.checkpoint import Checkpoint
from modlint.network import Network, Unplaced


class Built(Struct, frozen=True):
    """What a graph builder made of a file.

    Attributes:
        networks: each rebuilt, or with the reason why it is not.
        unplaced: weights of layers that stand in none of them, and why.
    """

    networks: tuple[Network, ...]
    unplaced: tuple[Unplaced, ...] = ()

    def with_activation(self, activation: str | None) -> Built:
        """The same, with `activation` wherever the file does not tell it."""
        known = tuple(network.with_activation(activation) for network in self.networks)
        return Built(known, self.unplaced)


class Stated(Struct, frozen=True):
    """What is said of a file's networks outside of it.

    Attributes:
        config: config.json beside the file, {} where there is none; of any content.
        order: "as-stored" where the user says that a state_dict's layers are a chain in the order
            in which the file has them.
        edges: what layers and norms read, as the user says: "fc1 -> fc2", "fc1 + fc2 -> fc3" for
            what is added, "conv1, conv2 -> conv3" for what stands side by side; "input" is what
            enters.
        architectures: whether classes of installed libraries may be asked.
    """

    config: Mapping[str, Any] = {}
    order: Literal["as-stored"] | None = None
    edges: tuple[str, ...] = ()
    architectures: bool = True


NOTHING_STATED = Stated()


class NetworkBuilder(Protocol):
    """Rebuilds the networks of one kind of checkpoint.

    Attributes:
        name: for `modlint plugins` ("onnx-graph").
        description: one line for `modlint plugins`.
        rank: builders are asked in ascending rank: a graph (0) before a module tree (10) before
            names and shapes (20).
    """

    name: str
    description: str
    rank: int

    def build(self, checkpoint: Checkpoint, stated: Stated = NOTHING_STATED) -> Built | None:
        """The file's networks; None where it is not its kind."""
        ...
