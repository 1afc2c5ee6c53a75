"""Which linear layers of an ONNX model follow one another with nothing between them that bends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Checkpoint

_LINEAR = frozenset({"Gemm", "MatMul"})
_PLAIN = frozenset({"BatchNormalization", "Cast", "Dropout", "Identity"})
"""Operators that give their first input, or a fixed linear map of each channel."""
_WITH_CONSTANT = frozenset({"Add", "Sub", "Mul", "Div"})
_REARRANGED = frozenset({"Cast", "Identity", "Transpose"})
_LONGEST = 16
"""Operators between two layers."""


class LinearChains(FileAnalysis["frozenset[tuple[str, str]]"], frozen=True):
    """Pairs of constants (W₁, W₂): what W₁ gives goes to W₂ alone, through linear maps only."""

    name: ClassVar[str] = "linear-chains"
    description: ClassVar[str] = "linear layers of an ONNX model with no activation between them"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> frozenset[tuple[str, str]]:  # noqa: ARG002
        """Follow the result of each matrix product."""
        if not isinstance(checkpoint.graph, OnnxGraph):
            return frozenset()
        return frozenset(_Chains(checkpoint.graph.model.graph).pairs())


class _Chains:
    """The main graph of a model: what makes and what reads each value."""

    def __init__(self, graph: Any) -> None:
        self.constants = {tensor.name for tensor in graph.initializer}
        self.constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
        self.outputs = {output.name for output in graph.output}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readers = defaultdict[str, list[Any]](list)
        for node in graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.nodes = list(graph.node)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """The pairs, in the graph's order."""
        for node in self.nodes:
            weight = self._weight(node)
            after = None if weight is None else self._next(node.output[0])
            if weight is not None and after is not None:
                yield weight, after

    def _weight(self, node: Any) -> str | None:
        """The constant that a product multiplies with from the right; None of any other node."""
        if node.op_type not in _LINEAR or len(node.input) < 2:
            return None
        return self._constant(node.input[1])

    def _constant(self, name: str) -> str | None:
        for _ in range(_LONGEST):
            if name in self.constants:
                return name
            node = self.makers.get(name)
            if node is None or node.op_type not in _REARRANGED or not node.input:
                return None
            name = node.input[0]
        return None

    def _next(self, value: str) -> str | None:
        """The weight of the product that alone reads a value, behind linear maps of channels."""
        for _ in range(_LONGEST):
            readers = self.readers[value]
            if len(readers) != 1 or value in self.outputs:
                return None
            (node,) = readers
            if node.op_type in _LINEAR:
                return self._weight(node) if node.input[0] == value else None
            if not node.output or not self._is_plain(node, value):
                return None
            value = node.output[0]
        return None

    def _is_plain(self, node: Any, value: str) -> bool:
        if node.op_type in _PLAIN:
            return bool(node.input[0] == value)
        others = [name for name in node.input if name != value]
        divided = node.op_type == "Div" and node.input[0] != value
        known = len(others) == 1 and self._constant(others[0]) is not None
        return node.op_type in _WITH_CONSTANT and known and not divided
