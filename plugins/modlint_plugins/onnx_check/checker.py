"""Computes `OnnxCheck`."""

from __future__ import annotations

from modlint.analysis.onnx_check import OnnxCheck, OnnxGraph, OnnxValidity
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable


class OnnxChecker(OnnxCheck, frozen=True):
    """The checks of this package, on the graph that the ONNX reader leaves."""

    def compute(self, checkpoint: Checkpoint) -> OnnxValidity:
        """Check.

        Raises:
            Unavailable: the file holds no ONNX model, or one too large to check.
        """
        if not isinstance(checkpoint.graph, OnnxGraph):
            raise Unavailable("the file holds no ONNX model")
        from modlint_plugins.onnx_check.validity import validate

        return validate(checkpoint.graph)
