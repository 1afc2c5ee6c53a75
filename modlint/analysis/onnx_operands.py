"""Which constants the layers of an ONNX model read as their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_OPERANDS: Mapping[str, tuple[int, ...]] = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "DeformConv": (1,),
    "Einsum": (0, 1, 2),
    "FC": (1,),
    "FusedConv": (1,),
    "FusedGemm": (0, 1),
    "FusedMatMul": (0, 1),
    "Gemm": (0, 1),
    "GRU": (1, 2),
    "LSTM": (1, 2),
    "MatMul": (0, 1),
    "NhwcConv": (1,),
    "RNN": (1, 2),
    # of onnxruntime
    "Attention": (1,),
    "QAttention": (1,),
    # what dequantises or gathers codes itself
    "ConvInteger": (1,),
    "DynamicQuantizeLSTM": (1, 2),
    "DynamicQuantizeMatMul": (1,),
    "MatMulInteger": (0, 1),
    "MatMulIntegerToFloat": (0, 1),
    "MatMulNBits": (1,),
    "QGemm": (0, 3),
    "QLinearConv": (3,),
    "QLinearMatMul": (0, 3),
}
"""By operator, which of its inputs may be weights."""

_TABLES: Mapping[str, tuple[int, ...]] = {
    "Gather": (0,),
    "GatherBlockQuantized": (0,),
    "EmbedLayerNormalization": (2,),
}
"""The same of operators that look rows up: of an embedding, or of any other table."""

_FIRST = frozenset(
    {
        *("Cast", "Clip", "DequantizeLinear", "Expand", "Identity", "Pad", "QuantizeLinear"),
        *("Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze", "Flatten"),
        *("BipolarQuant", "FloatQuant", "IntQuant", "Quant", "Trunc"),
    }
)
"""Operators whose outputs hold the elements of their first input."""
_ALL = frozenset({"Concat", "SequenceConstruct"})
"""Operators whose output holds the elements of all inputs."""


class Operands(NamedTuple):
    """Names of the constants that are read as weights.

    Attributes:
        layers: by what multiplies with them.
        tables: by what looks rows up in them.
    """

    layers: frozenset[str]
    tables: frozenset[str]


def operands(model: Any) -> Operands:
    """Constants that are read as weights, through what only rearranges or rounds them.

    Args:
        model: the ModelProto; functions of it are followed into, by what they are called with.
    """
    tracing = _Tracing(model)
    return Operands(tracing.constants(_OPERANDS), tracing.constants(_TABLES))


Value = tuple[str, str]
"""The function in which a name is known ("" for the graphs), and the name."""


class _Tracing:
    """From the values of a model back to the constants that they are made of."""

    def __init__(self, model: Any) -> None:
        functions = {function.name: function for function in model.functions}
        bodies = [("", model.graph.node), *((f.name, f.node) for f in functions.values())]
        self.nodes = [(scope, node) for scope, nodes in bodies for node in _nodes(nodes)]
        self.made_of: dict[Value, list[Value]] = {}
        self.computed: set[Value] = {("", given.name) for given in model.graph.input}
        self.computed -= {("", tensor.name) for tensor in model.graph.initializer}
        for scope, node in self.nodes:
            self._note(scope, node)
            function = functions.get(node.op_type)
            if function is not None and node.op_type not in _OPERANDS:
                for formal, actual in zip(function.input, node.input, strict=False):
                    self.made_of.setdefault((function.name, formal), []).append((scope, actual))
        self._spread()

    def constants(self, operators: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
        """Names of the constants that such operators read, where nothing else goes in."""
        pending = [
            (scope, name)
            for scope, node in self.nodes
            for index in operators.get(node.op_type, ())
            for name in node.input[index : index + 1]
        ]
        seen = set(self.computed)
        while pending:
            value = pending.pop()
            if value not in seen:
                seen.add(value)
                pending += self.made_of.get(value, ())
        return frozenset(name for _, name in seen - self.computed)

    def _spread(self) -> None:
        """Call computed what is made of anything computed."""
        makes: dict[Value, list[Value]] = {}
        for value, parts in self.made_of.items():
            for part in parts:
                makes.setdefault(part, []).append(value)
        pending = list(self.computed)
        while pending:
            for value in makes.get(pending.pop(), ()):
                if value not in self.computed:
                    self.computed.add(value)
                    pending.append(value)

    def _note(self, scope: str, node: Any) -> None:
        for output in node.output:
            if node.op_type in _FIRST and node.input:
                self.made_of[scope, output] = [(scope, node.input[0])]
            elif node.op_type in _ALL and node.input:
                self.made_of[scope, output] = [(scope, name) for name in node.input]
            elif node.op_type != "Constant":
                self.computed.add((scope, output))


def _nodes(nodes: Any) -> Iterator[Any]:
    """Nodes with those of the graphs in them."""
    pending = [iter(nodes)]
    while pending:
        for node in pending[-1]:
            yield node
            graphs = [g for a in node.attribute for g in (a.g, *a.graphs) if g.node]
            if graphs:
                pending += [iter(graph.node) for graph in graphs]
                break
        else:
            pending.pop()
