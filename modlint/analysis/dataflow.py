"""The dataflow of an ONNX model: one walk over its graphs and functions for all rules."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import FileAnalysis
from modlint.results.dataflow import Dataflow


class OnnxDataflow(FileAnalysis[Dataflow], frozen=True):
    """Nodes, constants, and which of them an output depends on.

    A plugin computes it: modlint's own is `modlint_plugins.onnx_check`.
    """

    name: ClassVar[str] = "onnx-dataflow"
    description: ClassVar[str] = "nodes and constants of an ONNX graph, and what reaches an output"
    by_plugin: ClassVar[bool] = True
