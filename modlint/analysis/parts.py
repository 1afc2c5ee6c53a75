"""A network of repeated blocks as a network for each."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network


class Parts(NetworkAnalysis[tuple[Network, ...]], frozen=True):
    """The networks of a network's blocks: what is too large to judge whole is judged by these.

    A residual stream that a block reads is its input, and exposed. None where no block is known;
    layers outside of blocks, such as embeddings and heads, are in no part.
    """

    name: ClassVar[str] = "parts"
    description: ClassVar[str] = "the repeated blocks of a network, each as a network"

    def compute(self, network: Network, inputs: Inputs) -> tuple[Network, ...]:  # noqa: ARG002
        """Find them."""
        from modlint.numerics.graph.parts import parts_of

        return parts_of(network)
