"""The graph builder for ONNX models."""

from __future__ import annotations

from modlint.builder import NOTHING_STATED, Built, Stated
from modlint.checkpoint import Checkpoint

OLDEST_OPSET = 7


class OnnxGraphBuilder:
    """Rebuilds networks from an ONNX graph: its channels are followed through every operator."""

    name = "onnx-graph"
    description = "networks from an ONNX graph"
    rank = 0

    def build(self, checkpoint: Checkpoint, stated: Stated = NOTHING_STATED) -> Built | None:
        """One network for each part of the graph that data connects, or the reason for none.

        The graph tells all; what is stated of it changes nothing.
        """
        del stated
        if checkpoint.format != "onnx" or checkpoint.graph is None:
            return None
        from modlint_plugins.networks.onnx_graph.build import build

        return build(checkpoint, OLDEST_OPSET)
