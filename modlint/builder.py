"""Graph builders: from a `Checkpoint` to the `Network`s that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from modlint.checkpoint import Checkpoint
from modlint.network import Network


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

    def build(self, checkpoint: Checkpoint) -> Sequence[Network] | None:
        """The file's networks, each rebuilt or with its reason; None where it is not its kind."""
        ...
