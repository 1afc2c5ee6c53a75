"""Units of a layer whose weights in point the same way."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.embeddings import EmbeddingTables
from modlint.analysis.layer_weights import MIN_ELEMENTS, LayerWeights
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Checkpoint, Tensor
from modlint.errors import Unavailable
from modlint.results.duplicate_units import DuplicateGroups

_WEIGHTS = LayerWeights(MIN_ELEMENTS)
_TABLES = EmbeddingTables()
_STATISTICS = TensorStatistics()
_GATES = re.compile(r"weight_(ih|hh|hr)_l\d|weight_[ih]h$|in_proj_weight$")
"""Weights whose rows are gates, or parts of several layers, and no units."""


class DuplicateUnits(FileAnalysis[Mapping[str, "DuplicateGroups | str"]], frozen=True):
    """By layer weight, groups of units whose weights, the bias among them, are nearly parallel.

    Candidates are found by locality-sensitive hashing of at most 128 weights of each unit, then
    compared whole. A weight that could not be examined has the reason in place of a result.
    Source: Datar et al., Locality-sensitive hashing scheme based on p-stable distributions, 2004.

    Attributes:
        min_fan_in: fewer weights in make no finding.
        cosine: above which two units are alike.
    """

    min_fan_in: int = 64
    cosine: float = 0.999

    name: ClassVar[str] = "duplicate-units"
    description: ClassVar[str] = "units of a layer whose weights point the same way"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are weights, which of them are tables, and whether they are finite."""
        return (_WEIGHTS, _TABLES, _STATISTICS)

    def compute(
        self, checkpoint: Checkpoint, inputs: Inputs
    ) -> Mapping[str, DuplicateGroups | str]:
        """Hash, compare, and group."""
        weights = inputs.result(_WEIGHTS, checkpoint)
        tables = inputs.result(_TABLES, checkpoint)
        turned = _turned(checkpoint)
        found: dict[str, DuplicateGroups | str] = {}
        for tensor in checkpoint.tensors.values():
            units = tensor.name in weights and tensor.name not in tables
            if units and tensor.dtype.bits >= 16 and not _GATES.search(tensor.name):
                self._examine(tensor, checkpoint, inputs, turned, found)
        return found

    def _examine(
        self,
        tensor: Tensor,
        checkpoint: Checkpoint,
        inputs: Inputs,
        turned: frozenset[str],
        found: dict[str, DuplicateGroups | str],
    ) -> None:
        from modlint.numerics.tensor.duplicate_rows import duplicate_groups

        bias = _bias(tensor, checkpoint)
        of_columns = bias is not None and bias.shape[0] == tensor.shape[1] != tensor.shape[0]
        transposed = tensor.key.partition("#")[0] in turned or of_columns
        units = tensor.shape[1 if transposed else 0]
        if units < 2 or math.prod(tensor.shape) // units < self.min_fan_in:
            return
        try:
            if inputs.result(_STATISTICS, tensor).non_finite:
                return
            weights = inputs.weight(tensor.name)
            known = bias is not None and bias.shape[0] == units
            found[tensor.name] = duplicate_groups(
                weights.swapaxes(0, 1) if transposed else weights,
                inputs.weight(bias.name) if bias is not None and known else None,
                self.cosine,
            )
        except Unavailable as unavailable:
            found[tensor.name] = str(unavailable)


def _bias(tensor: Tensor, checkpoint: Checkpoint) -> Tensor | None:
    """The bias beside a weight, by its name."""
    if not tensor.name.endswith("weight"):
        return None
    bias = checkpoint.tensors.get(tensor.name.removesuffix("weight") + "bias")
    return bias if bias is not None and len(bias.shape) == 1 else None


def _turned(checkpoint: Checkpoint) -> frozenset[str]:
    """Names of what an ONNX model multiplies from the right: units lie along the second axis."""
    if not isinstance(checkpoint.graph, OnnxGraph):
        return frozenset()
    nodes = checkpoint.graph.model.graph.node
    return frozenset(n.input[1] for n in nodes if len(n.input) > 1 and _reads_columns(n))


def _reads_columns(node: Any) -> bool:
    if node.op_type == "Gemm":
        return not any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return node.op_type in ("MatMul", "ConvTranspose")
