"""The graph builder for ONNX models."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint
from modlint.network import Network

OLDEST_OPSET = 7


class OnnxGraphBuilder:
    """Rebuilds networks from an ONNX graph: chains of layers, with norms and activations."""

    name = "onnx-graph"
    description = "networks from an ONNX graph"
    rank = 0

    def build(self, checkpoint: Checkpoint) -> Sequence[Network] | None:
        """One network for each part of the graph that data connects, or the reason for none."""
        if checkpoint.format != "onnx" or checkpoint.graph is None:
            return None
        from modlint_plugins.networks.onnx_graph.build import build

        return build(checkpoint, OLDEST_OPSET)
