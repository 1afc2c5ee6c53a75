"""Heads of attentions that are alike."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.network import Network
from modlint.results.heads import AttentionHeads


class DuplicateHeads(NetworkAnalysis["tuple[AttentionHeads, ...]"], frozen=True):
    """Heads whose weights for queries, keys, values and outputs are nearly parallel, each part.

    Attentions whose output layer, or whose heads' rows in it, are not known are left out.

    Attributes:
        cosine: of each part, above which two heads are alike.
    """

    cosine: float = 0.999

    name: ClassVar[str] = "duplicate-heads"
    description: ClassVar[str] = "heads of an attention with the same weights"

    def compute(self, network: Network, inputs: Inputs) -> tuple[AttentionHeads, ...]:
        """Each attention of two heads or more, in topological order.

        Raises:
            Unavailable: a weight is not finite, or is not what the network says.
        """
        from modlint.numerics.graph.heads import duplicate_heads

        return duplicate_heads(network, inputs, self.cosine)
